#include "sync/settings/manual.hpp"

namespace tidemark::sync {

namespace {

// Lines of at most 80 columns, as a terminal shows them.
constexpr const char* before_flags = R"(TIDEMARK-SYNC

NAME
    tidemark-sync - follows a Git repository and publishes each revision

SYNOPSIS
    tidemark-sync --repo=REPO --root=PATH [FLAG]...

DESCRIPTION
    Fetches a repository into --root, looks at the remote every --period, and
    publishes each new commit of --ref as a folder of its own, under a symbolic
    link that is replaced in one step. It takes the place of kubernetes/git-sync
    v4: the flags, variables, layout, hooks and metrics are the same, but it runs
    neither git nor ssh nor a shell. docs/git-sync.md says flag by flag what is
    the same, what is better and what is refused.

CONTRACT
    Consumers read through the link. The last part of what it points to is the
    full hash of the commit:

        ROOT/.git                            the repository
        ROOT/.worktrees/HASH/                the files of a commit
        ROOT/LINK -> .worktrees/HASH         replaced by one rename

    What the link points to is complete, and it is not written to afterwards.
    Everything else below --root may change at any time.

SETTINGS
    Each is a flag, a variable GITSYNC_NAME, or a line of the --config file, in
    this order of precedence. git-sync's old spellings (GIT_SYNC_NAME, --wait and
    so on) are taken with a line in the log that names the new one; as with
    git-sync the old one wins where both are set. Unknown flags and variables are
    refused with the nearest known name, all problems at once.

    A passed-in secret has no flag: use GITSYNC_PASSWORD, or better a file, which
    is read again at every sync.

)";

constexpr const char* after_flags = R"(
HOOKS
    --webhook-url is called with an empty body and Gitsync-Hash, Tidemark-Ref and
    Tidemark-Previous as headers. --exechook-command is run in the published tree
    without arguments and without a shell, with GITSYNC_HASH, TIDEMARK_REF and
    TIDEMARK_PREVIOUS in its environment, which has none of our secrets; 0 is
    success. Both happen once at start and after each publication, in the
    background. What fails is tried again after its backoff, which doubles up to a
    minute; a newer revision is tried at once. With --one-time each hook is tried
    once, and a failure ends with 1; what is published stays.

    --pre-publish-exechook-command is run likewise in the new tree before the link
    is replaced. While it fails the old revision stays live. It is not run for
    what is live already.

HTTP
    With --http-bind: / and /readyz (503 until something is published, and when
    the last success is older than --stale-after), /healthz, /status (JSON),
    POST /sync (look at the remote now), and with --http-metrics /metrics.

BEING TOLD
    With --listen: push webhooks of GitHub, GitLab, Gitea, Forgejo and Bitbucket,
    by POST at any path. They have to carry the secret of --listen-secret-file, or
    a signature made by it, and be about the repository and ref that are followed;
    then the remote is looked at, at most once a second. --period is 1m unless it
    is set. docs/webhooks.md says how to set them up.

SIGNALS
    SIGHUP, and that of --sync-on-signal
                     look at the remote now
    SIGTERM, SIGINT  end now; what is published stays

EXIT CODES
    0  --one-time succeeded, or ended by a signal
    1  --one-time or one of its hooks failed, or nothing was published within
       --max-failures
    2  the settings are wrong; each problem has a line of its own
)";

}  // namespace

std::string manual(const std::string& help) { return before_flags + ("FLAGS\n" + help) + after_flags; }

}  // namespace tidemark::sync
