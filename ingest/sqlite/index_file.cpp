#include "ingest/sqlite/index_file.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "daemon/error.hpp"
#include "ingest/sqlite/ranking.hpp"
#include "ingest/sqlite/schema.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::sqlite {

namespace {

constexpr int writer_cache_kibibytes = 4'096;
constexpr int reader_cache_kibibytes = 1'024;

// https://www.sqlite.org/fileformat2.html#the_database_header
constexpr std::string_view magic("SQLite format 3\0", 16);
constexpr std::size_t application_id_at = 68;
constexpr std::size_t header_bytes = 100;

constexpr const char* advice = "; choose another file with --engine sqlite:PATH, or move this one away";

}  // namespace

Recognition recognise(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) return Recognition::absent;
  if (error) throw ConfigError("cannot look at " + file.string() + ": " + error.message());
  if (status.type() != std::filesystem::file_type::regular) throw ConfigError(file.string() + " is not a regular file" + advice);

  std::ifstream in(file, std::ios::binary);
  if (!in) throw ConfigError("cannot read " + file.string() + ": " + std::generic_category().message(errno));
  std::array<char, header_bytes> header{};
  in.read(header.data(), header.size());
  const auto size = static_cast<std::size_t>(in.gcount());
  if (size == 0) return Recognition::absent;
  if (size < header.size() || std::string_view(header.data(), magic.size()) != magic) throw ConfigError(file.string() + " is not an SQLite database" + advice);

  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8 | static_cast<unsigned char>(header[application_id_at + i]);
  if (id != application_id) throw ConfigError(file.string() + " is the database of another application" + advice);
  return Recognition::ours;
}

std::unique_ptr<Connection> open_writer(const std::filesystem::path& file) {
  const bool fresh = recognise(file) == Recognition::absent;
  auto connection = std::make_unique<Connection>(file, Connection::Access::creator, writer_cache_kibibytes);
  if (fresh) {
    // Into the file itself, before the log takes over: recognise() reads just the file.
    connection->execute(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
  }
  connection->execute("PRAGMA journal_mode=WAL");
  connection->execute("PRAGMA wal_autocheckpoint=0");  // LogKeeper's job
  connection->execute("PRAGMA temp_store=MEMORY");
  connection->disable_triggers();
  register_tokenizer(*connection);
  connection->integer("SELECT count(*) FROM sqlite_schema");
  return connection;
}

std::unique_ptr<Connection> open_reader(const std::filesystem::path& file) {
  auto connection = std::make_unique<Connection>(file, Connection::Access::reader, reader_cache_kibibytes);
  register_tokenizer(*connection);
  register_ranking(*connection);
  return connection;
}

std::string find_damage(Connection& connection) {
  try {
    StatementScope check = connection.cached("PRAGMA quick_check(1)");
    if (!check->step()) return "the check gave no answer";
    const std::string answer(check->bytes(0));
    return answer == "ok" ? "" : answer;
  } catch (const DatabaseError& error) {
    if (error.failure == Failure::damaged || error.failure == Failure::not_a_database) return error.what();
    throw;
  }
}

std::filesystem::path set_aside(const std::filesystem::path& file) {
  const auto with_suffix = [](std::filesystem::path path, const char* suffix) { return path += suffix; };
  std::filesystem::path aside;
  for (int n = 1; aside.empty() || std::filesystem::exists(aside); ++n) aside = with_suffix(file, (".damaged-" + std::to_string(n)).c_str());
  std::filesystem::rename(file, aside);
  if (std::filesystem::exists(with_suffix(file, "-wal"))) std::filesystem::rename(with_suffix(file, "-wal"), with_suffix(aside, "-wal"));
  std::filesystem::remove(with_suffix(file, "-shm"));
  return aside;
}

}  // namespace tidemark::ingest::sqlite
