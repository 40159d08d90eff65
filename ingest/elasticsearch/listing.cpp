#include "ingest/elasticsearch/listing.hpp"

#include <exception>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/listing_page.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// Longer than a page and what is done with it takes; renewed with every page.
constexpr std::string_view keep_alive = "5m";

class PointInTime {
 public:
  PointInTime(IndexProtocol& protocol, const std::string& physical) : protocol_(protocol), product_(protocol.product()) {
    const auto answer = json::parse(protocol_.ask("POST", open_point_in_time_path(product_, physical, keep_alive)), nullptr, false);
    const auto found = answer.is_object() ? answer.find(point_in_time_id_field(product_)) : answer.end();
    if (found == answer.end() || !found->is_string()) throw InvalidAnswer("the cluster opened no point in time on " + physical);
    id_ = found->get<std::string>();
  }
  ~PointInTime() {
    try {
      const auto request = close_point_in_time(product_, id_);
      protocol_.ask_if_there("DELETE", request.path, request.body);
    } catch (const std::exception&) {
      // It ends by itself.
    }
  }
  PointInTime(const PointInTime&) = delete;
  PointInTime& operator=(const PointInTime&) = delete;

  std::string first_page() { return protocol_.ask("POST", listing_path(), listing_body(id_, keep_alive, "")); }
  std::string page(const NextPage& next) { return protocol_.ask("POST", listing_path(), listing_body(id_, keep_alive, next.after)); }
  std::string keyless() { return protocol_.ask("POST", listing_path(), keyless_body(id_, keep_alive)); }
  // The next request names the latest id.
  void rename(const std::string& id) {
    if (!id.empty()) id_ = id;
  }

 private:
  IndexProtocol& protocol_;
  Product product_;
  std::string id_;
};

// Nothing for a row whose `_id` is not that of its path and fragment.
std::optional<Listed> listed(const ListingRow& row, const std::string& source_name) {
  const auto path = path_from_key(row.path_key.value_or(""));
  const auto fragment = path_from_key(row.fragment_key.value_or(""));
  if (!path || !fragment || document_id(source_name, *path, *fragment) != row.id) return std::nullopt;
  Listed found{.key = {.path = *path, .fragment = *fragment}, .fingerprint = {}, .quarantined = row.kind == "quarantined", .altered = false};
  const auto fingerprint = Fingerprint::from_hex(row.fingerprint.value_or(""));
  if (fingerprint) found.fingerprint = *fingerprint;
  const auto& written_with = row.written_with ? row.written_with : row.generation;
  found.altered = !fingerprint || !written_with || written_with != row.version;
  return found;
}

// Gives each row to one of the two; false when either has seen enough.
bool give_rows(const std::string& answer, const std::string& source_name, const ListingVisitor& visitor) {
  bool left = false;
  const auto page = read_listing_page(answer, [&](const ListingRow& row) {
    if (row.id.empty()) throw InvalidAnswer("a row of the listing has no _id");
    const auto ours = listed(row, source_name);
    left = ours ? !visitor.ours(*ours) : !visitor.stranger(row.id);
    return !left;
  });
  if (!left && !page.whole) throw TransientError("a page of the listing is not whole: not every shard answered");
  return !left;
}

}  // namespace

void list_index(IndexProtocol& protocol, const std::string& physical, const std::string& source_name, const ListingVisitor& visitor) {
  PointInTime view(protocol, physical);
  auto answer = view.first_page();
  for (;;) {
    const auto next = next_page(answer);
    view.rename(next.point_in_time);
    if (next.expected && next.after.empty()) throw InvalidAnswer("a page of the listing cannot be gone on from: its rows have no sort values");
    // The engine makes the next page while this one is read.
    std::future<std::string> coming;
    if (next.expected) coming = std::async(std::launch::async, [&] { return view.page(next); });
    if (!give_rows(answer, source_name, visitor)) return;
    if (!next.expected) break;
    answer = coming.get();
  }
  give_rows(view.keyless(), source_name, visitor);
}

}  // namespace tidemark::ingest::elasticsearch
