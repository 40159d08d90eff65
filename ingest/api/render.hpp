// What the engine and the reconciler say, as the JSON of docs/openapi.yaml. Pure; bytes that are not UTF-8 become U+FFFD and never an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_server.hpp"
#include "ingest/document.hpp"
#include "ingest/reconciler.hpp"
#include "ingest/run.hpp"
#include "ingest/search.hpp"

namespace tidemark::ingest::api {

std::string status_json(const Status& status);
std::string run_json(const RunReport& run);
std::string runs_json(const std::vector<RunReport>& runs);
std::string run_accepted_json(std::int64_t run);  // {"run": id}
std::string search_json(const SearchResult& result);
std::string documents_json(const DocumentPage& page);
std::string document_json(const Document& document, const std::string& source);
std::string quarantine_json(const std::vector<Quarantined>& entries, std::int64_t total);
std::string reached_json(const git::Oid& commit, const Status& status);

// Problem details with a member of ours: the parameter's name, or the run's id.
HttpResponse parameter_problem(std::string_view parameter, std::string_view reason);
HttpResponse run_problem(int status, std::string_view type, std::string_view title, std::string_view detail, std::optional<std::int64_t> run);

}  // namespace tidemark::ingest::api
