// One repository has many URLs: whether two of them mean the same. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::sync {

// Host and path in lower case, without user, scheme, port and ".git": "git.example/team/docs" for https://Git.example:8443/team/Docs.git/ and for
// git@git.example:team/docs. Nothing for a path on this machine and for what is no URL.
std::optional<std::string> repository_name(std::string_view url);

}  // namespace tidemark::sync
