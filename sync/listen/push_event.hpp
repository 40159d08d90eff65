// What a webhook of a git server says of a push, in the words of each of them. Pure. Nothing of it is trusted: it only says whether to look at the
// remote. The formats are the servers' own:
//   GitHub     https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
//   GitLab     https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
//   Gitea      https://docs.gitea.com/usage/repository/webhooks
//   Forgejo    https://forgejo.org/docs/latest/user/webhooks/
//   Bitbucket  https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push (Cloud)
//              https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html (Data Center)
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_server.hpp"

namespace tidemark::sync {

enum class Forge { github, gitlab, gitea, forgejo, bitbucket };
std::string_view name_of(Forge forge);
// By the header that names the event. Gitea and Forgejo also send those of the servers that they are compatible with.
std::optional<Forge> forge_of(const HttpRequest& request);

// Bitbucket Data Center tries an address by a call that it does not sign.
bool is_unsigned_ping(Forge forge, const HttpRequest& request);

struct PushEvent {
  enum class Kind { push, ping, other };
  Kind kind = Kind::other;
  std::string event;                      // in the server's word
  std::vector<std::string> repositories;  // URLs of one repository: to clone it, to look at it
  std::string default_branch;             // "" when it is not said
  std::vector<std::string> refs;          // in full: "refs/heads/main"
  bool has_more_refs = false;             // than are kept
};

class MalformedEvent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The body is JSON, or a form with JSON in `payload` as GitHub, Gitea and Forgejo may send it. Throws MalformedEvent in words.
PushEvent read_push_event(Forge forge, const HttpRequest& request);

}  // namespace tidemark::sync
