#include "ingest/sqlite_index.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "ingest/sqlite/sqlite_engine.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tidemark-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Engine> SqliteIndex::open() { return open_sqlite_engine(file(), log_); }

std::unique_ptr<sqlite::Connection> SqliteIndex::client() const {
  auto connection = std::make_unique<sqlite::Connection>(file(), sqlite::Connection::Access::writer, 256);
  sqlite::register_tokenizer(*connection);
  return connection;
}

void SqliteIndex::write_a_stranger(const DocumentKey& key) {
  const auto connection = client();
  sqlite::StatementScope insert = connection->cached(
      "INSERT INTO document(generation, revision, committed_at, path, fragment, oid, fingerprint, size, kind, lang, draft, url, front_id, title, tags, "
      "description, summary, problems, front_matter, sections, headings, prose, code) "
      "VALUES (1, x'00', 0, ?1, ?2, x'00', x'00', 0, 'page', '', 0, '', '', 't', '[]', '', '', '[]', '{}', '[]', '', 'strange', '')");
  insert->bind_all(sqlite::Blob{key.path}, sqlite::Blob{key.fragment});
  insert->run();
}

void SqliteIndex::alter(const DocumentKey& key, const std::string& content) {
  const auto connection = client();
  sqlite::StatementScope update = connection->cached("UPDATE document SET prose = ?3 WHERE path = ?1 AND fragment = ?2");
  update->bind_all(sqlite::Blob{key.path}, sqlite::Blob{key.fragment}, std::string_view(content));
  update->run();
}

}  // namespace tidemark::ingest::test
