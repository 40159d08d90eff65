// What a server's answer says when it is not what was hoped for: the failure's type decides what the loop does next.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "ingest/elasticsearch/connection.hpp"

namespace tidemark::ingest::elasticsearch {

// The answer's JSON. Throws InvalidAnswer for what is none.
nlohmann::json json_of(const Response& response, std::string_view request);

struct ServerError {
  std::string type;    // "" when the answer has none
  std::string reason;  // type and reason for people, at most 500 bytes
};
ServerError error_of(const Response& response);

// `request`: its method and path. TransientError: 404, 408, 429, 5xx, and what a block or a lost index causes, which the next look sees to; StalledError: everything
// else, 403 above all.
[[noreturn]] void throw_unexpected(const Response& response, std::string_view request);

}  // namespace tidemark::ingest::elasticsearch
