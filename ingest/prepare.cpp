#include "ingest/prepare.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "daemon/units.hpp"
#include "ingest/fingerprint.hpp"
#include "parser/parse.hpp"

namespace tidemark::ingest {

Preparer::Preparer(const git::ObjectStore& store, const Selection& selection, const git::Revision& target, std::int64_t generation)
    : store_(store),
      target_(target),
      generation_(generation),
      max_file_size_(selection.max_file_size()),
      document_settings_(selection.document_settings()) {}

Operation Preparer::prepare(std::string_view path, const git::Oid& oid) {
  const auto fingerprint = fingerprint_of(oid, parser::version, document_settings_);
  const auto quarantined = [&](std::string reason) {
    return Quarantined{
        .key = {std::string(path), ""}, .oid = oid, .fingerprint = fingerprint, .reason = std::move(reason), .revision = target_.commit};
  };
  if (path.size() > max_path_bytes) return quarantined(fmt::format("the path has {} bytes, the limit is {}", path.size(), max_path_bytes));
  const auto size = store_.blob_size(oid);
  if (size > max_file_size_) {
    return quarantined(fmt::format("the file has {} bytes, --max-file-size is {}", size, format_bytes(Bytes{max_file_size_})));
  }

  Document document{.key = {std::string(path), ""},
                    .oid = oid,
                    .fingerprint = fingerprint,
                    .size = size,
                    .content = {},
                    .generation = generation_,
                    .revision = target_.commit,
                    .committed_at = target_.committed_at};
  std::string skipped;
  store_.read_blob(oid, [&](std::string_view bytes) {
    auto parsed = parser::parse(path, bytes);
    if (auto* skip = std::get_if<parser::Skipped>(&parsed)) {
      skipped = std::move(skip->reason);
    } else {
      document.content = std::move(std::get<parser::Document>(parsed));
    }
  });
  if (!skipped.empty()) return quarantined(std::move(skipped));
  return document;
}

}  // namespace tidemark::ingest
