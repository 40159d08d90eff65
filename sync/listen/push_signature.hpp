// Whether a webhook's call comes from somebody who knows the secret. Pure. The ways of the servers:
//   GitHub, Gitea, Forgejo  HMAC-SHA256 of the body, in hex: X-Hub-Signature-256 (sha256=...), X-Gitea-Signature, X-Forgejo-Signature
//     https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
//   Bitbucket               the same: X-Hub-Signature (sha256=...)
//     https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
//   GitLab                  the secret itself: X-Gitlab-Token; with a signing token (whsec_...) Standard Webhooks: webhook-signature
//     https://docs.gitlab.com/user/project/integrations/webhooks/
//     https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#pragma once

#include <string>
#include <vector>

#include "daemon/http_server.hpp"
#include "sync/listen/push_event.hpp"

namespace tidemark::sync {

enum class Signature { good, wrong, missing };
// By any of the secrets. All comparisons take the same time whatever is given. When it was made is not looked at: a call that is repeated does
// nothing but look at the remote once more.
Signature check_signature(Forge forge, const HttpRequest& request, const std::vector<std::string>& secrets);

}  // namespace tidemark::sync
