#include "ingest/api/render.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::api {

namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// RFC 3339, UTC, milliseconds.
std::string timestamp(WallClock::time_point time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(since_epoch / 1'000);
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, since_epoch % 1'000);
}

Json time_or_null(const std::optional<WallClock::time_point>& time) { return time ? Json(timestamp(*time)) : Json(nullptr); }
Json time_or_null(WallClock::time_point time) { return time == WallClock::time_point{} ? Json(nullptr) : Json(timestamp(time)); }
Json oid_or_null(const std::optional<git::Oid>& oid) { return oid ? Json(oid->hex()) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json checkpoint_of(const std::optional<Checkpoint>& checkpoint) {
  if (!checkpoint) return nullptr;
  return {{"commit", checkpoint->commit.hex()}, {"tree", checkpoint->tree.hex()}, {"committed_at", checkpoint->committed_at}};
}

Json run_of(const RunReport& run) {
  const bool waits = run.outcome == RunReport::Outcome::queued;
  const bool undecided = run.reason.empty();
  Json seconds = Json::object();
  for (const auto& [stage, took] : run.seconds) seconds[stage] = took;
  return {{"id", run.id},
          {"trigger", run.trigger},
          {"outcome", name_of(run.outcome)},
          {"mode", undecided ? Json(nullptr) : Json(name_of(run.mode))},
          {"reason", text_or_null(run.reason)},
          {"error", text_or_null(run.error)},
          {"from", oid_or_null(run.from)},
          {"to", oid_or_null(run.to)},
          {"examined", run.examined},
          {"upserted", run.upserted},
          {"removed", run.removed},
          {"quarantined", run.quarantined},
          {"bytes", run.bytes},
          {"seconds", std::move(seconds)},
          {"problems", run.problems},
          {"started", waits ? Json(nullptr) : time_or_null(run.started)},
          {"ended", time_or_null(run.ended)}};
}

Json sections_of(const std::vector<parser::Section>& sections) {
  Json list = Json::array();
  for (const auto& section : sections) {
    list.push_back({{"anchor", section.anchor},
                    {"level", section.level},
                    {"heading", section.heading},
                    {"breadcrumb", section.breadcrumb},
                    {"content", section.content},
                    {"code", section.code}});
  }
  return list;
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

HttpResponse with_member(HttpResponse problem, const char* name, Json value) {
  Json body = Json::parse(problem.body);
  body[name] = std::move(value);
  problem.body = dumped(body);
  return problem;
}

}  // namespace

std::string status_json(const Status& status) {
  return dumped({{"source", {{"name", text_or_null(status.source)}, {"origin", text_or_null(status.origin)}}},
                 {"target", status.target ? Json{{"commit", status.target->hex()}} : Json(nullptr)},
                 {"checkpoint", checkpoint_of(status.checkpoint)},
                 {"engine", {{"kind", status.engine}}},
                 {"documents", status.documents},
                 {"quarantine", status.quarantine},
                 {"last_success", time_or_null(status.last_success)},
                 {"next_run", time_or_null(status.next_run)},
                 {"running", status.running ? Json(*status.running) : Json(nullptr)},
                 {"failures", status.failures},
                 {"last_error", text_or_null(status.last_error)},
                 {"stalled", text_or_null(status.stalled)},
                 {"standing_by", text_or_null(status.standing_by)},
                 {"lease", {{"held", status.lease_held}, {"holder", text_or_null(status.lease_holder)}}}});
}

std::string run_json(const RunReport& run) { return dumped(run_of(run)); }

std::string runs_json(const std::vector<RunReport>& runs) {
  Json list = Json::array();
  for (const auto& run : runs) list.push_back(run_of(run));
  return dumped({{"runs", std::move(list)}});
}

std::string run_accepted_json(std::int64_t run) { return dumped({{"run", run}}); }

std::string search_json(const SearchResult& result) {
  Json hits = Json::array();
  for (const auto& hit : result.hits) {
    Json sections = Json::array();
    for (const auto& section : hit.sections)
      sections.push_back({{"anchor", section.anchor}, {"heading", section.heading}, {"snippet", section.snippet}});
    hits.push_back({{"path", hit.path},
                    {"title", hit.title},
                    {"source", hit.source},
                    {"url", hit.url},
                    {"revision", hit.revision},
                    {"kind", hit.kind},
                    {"lang", hit.lang},
                    {"score", hit.score},
                    {"sections", std::move(sections)}});
  }
  return dumped({{"total", result.total}, {"hits", std::move(hits)}});
}

std::string documents_json(const DocumentPage& page) {
  Json rows = Json::array();
  for (const auto& row : page.rows) {
    rows.push_back({{"path", display_path(row.key.path)},
                    {"fragment", row.key.fragment},
                    {"oid", row.oid.hex()},
                    {"kind", row.kind},
                    {"title", row.title},
                    {"revision", row.revision.hex()}});
  }
  return dumped({{"documents", std::move(rows)}, {"next", page.next ? Json(*page.next) : Json(nullptr)}});
}

std::string document_json(const Document& document, const std::string& source) {
  const auto& content = document.content;
  Json front_matter = Json::parse(content.front_matter, nullptr, false);
  if (!front_matter.is_object()) front_matter = Json::object();
  return dumped({{"source", source},
                 {"path", display_path(document.key.path)},
                 {"path_key", hex_of(document.key.path)},
                 {"fragment", document.key.fragment},
                 {"oid", document.oid.hex()},
                 {"fingerprint", document.fingerprint.hex()},
                 {"kind", name_of(content.kind)},
                 {"lang", content.lang},
                 {"size", document.size},
                 {"title", content.title},
                 {"description", content.description},
                 {"tags", content.tags},
                 {"date", content.date ? Json(*content.date) : Json(nullptr)},
                 {"draft", content.draft},
                 {"url", content.url},
                 {"id", content.id},
                 {"front_matter", std::move(front_matter)},
                 {"problems", content.problems},
                 {"sections", sections_of(content.sections)},
                 {"generation", document.generation},
                 {"revision", document.revision.hex()},
                 {"committed_at", document.committed_at}});
}

std::string quarantine_json(const std::vector<Quarantined>& entries, std::int64_t total) {
  Json list = Json::array();
  for (const auto& entry : entries) {
    list.push_back({{"path", display_path(entry.key.path)},
                    {"fragment", entry.key.fragment},
                    {"oid", entry.oid.hex()},
                    {"reason", entry.reason},
                    {"revision", entry.revision.hex()}});
  }
  return dumped({{"quarantine", std::move(list)}, {"total", total}});
}

std::string reached_json(const git::Oid& commit, const Status& status) {
  return dumped({{"commit", commit.hex()}, {"checkpoint", checkpoint_of(status.checkpoint)}});
}

HttpResponse parameter_problem(std::string_view parameter, std::string_view reason) {
  return with_member(problem(400, "invalid-parameter", "Bad Request", std::string(parameter) + ": " + std::string(reason)), "parameter",
                     std::string(parameter));
}

HttpResponse run_problem(int status, std::string_view type, std::string_view title, std::string_view detail, std::optional<std::int64_t> run) {
  auto response = problem(status, type, title, detail);
  return run ? with_member(std::move(response), "run", *run) : response;
}

}  // namespace tidemark::ingest::api
