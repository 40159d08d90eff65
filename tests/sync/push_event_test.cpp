// Webhook payloads after the examples of the git servers' own documentation (named in sync/listen/push_event.hpp), and their signatures.
#include "sync/listen/push_event.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sync/listen/push_listener.hpp"
#include "sync/listen/push_signature.hpp"
#include "sync/listen/repository_name.hpp"

using namespace tidemark;
using namespace tidemark::sync;

namespace {

using Texts = std::vector<std::string>;

HttpRequest request(std::map<std::string, std::string> headers, std::string body) {
  return {.method = "POST", .path = "/", .query = {}, .headers = std::move(headers), .body = std::move(body)};
}

PushEvent read(std::map<std::string, std::string> headers, std::string body) {
  const auto call = request(std::move(headers), std::move(body));
  const auto forge = forge_of(call);
  REQUIRE(forge);
  return read_push_event(*forge, call);
}

const char* github_push = R"({"ref": "refs/heads/main", "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
  "commits": [{"id": "x", "url": "https://github.com/Codertocat/Hello-World/commit/x", "ref": "refs/heads/no",
    "repository": {"clone_url": "https://no/no"}}],
  "repository": {"id": 186853002, "full_name": "Codertocat/Hello-World",
    "owner": {"login": "Codertocat", "html_url": "https://github.com/Codertocat"},
    "html_url": "https://github.com/Codertocat/Hello-World", "git_url": "git://github.com/Codertocat/Hello-World.git",
    "ssh_url": "git@github.com:Codertocat/Hello-World.git", "clone_url": "https://github.com/Codertocat/Hello-World.git", "default_branch": "main"},
  "pusher": {"name": "Codertocat"}})";

const char* gitlab_push = R"({"object_kind": "push", "event_name": "push", "ref": "refs/heads/master", "checkout_sha": null,
  "project": {"id": 15, "name": "Diaspora", "web_url": "http://example.com/mike/diaspora", "git_ssh_url": "git@example.com:mike/diaspora.git",
    "git_http_url": "http://example.com/mike/diaspora.git", "default_branch": "develop", "homepage": "http://other.example/x"},
  "repository": {"name": "Diaspora", "url": "git@example.com:mike/diaspora.git"}, "total_commits_count": 4})";

const char* cloud_push = R"({"actor": {"type": "user"}, "repository": {"type": "repository", "full_name": "team_name/repo_name",
    "links": {"self": {"href": "https://api.bitbucket.org/2.0/repositories/team_name/repo_name"},
      "html": {"href": "https://bitbucket.org/team_name/repo_name"}}},
  "push": {"changes": [
    {"new": {"type": "branch", "name": "name-of-branch", "target": {"type": "commit", "name": "no"}}, "old": null, "created": true},
    {"new": {"name": "v1", "type": "tag"}, "old": null}, {"new": null, "old": {"type": "branch", "name": "gone"}, "closed": true}]}})";

const char* data_center_push = R"({"eventKey": "repo:refs_changed", "repository": {"slug": "repository", "project": {"key": "PROJ"},
    "links": {"clone": [{"href": "ssh://git@bitbucket.example:7999/proj/repository.git", "name": "ssh"},
      {"href": "https://bitbucket.example/scm/proj/repository.git", "name": "http"}],
      "self": [{"href": "https://bitbucket.example/projects/PROJ/repos/x/browse"}]}},
  "changes": [{"ref": {"id": "refs/heads/master", "displayId": "master", "type": "BRANCH"}, "refId": "refs/heads/master", "type": "UPDATE"}]})";

SyncSettings following(const std::string& repo, const std::string& ref) {
  SyncSettings settings;
  settings.repo = repo;
  settings.ref = ref;
  return settings;
}

bool concerns(const std::string& repo, const std::string& ref, const PushEvent& push) {
  return Followed(following(repo, ref)).reason_to_ignore(push).empty();
}

}  // namespace

TEST_CASE("Each server's push says which repository and which refs") {
  const auto github = read({{"x-github-event", "push"}}, github_push);
  CHECK(github.kind == PushEvent::Kind::push);
  CHECK(github.refs == Texts{"refs/heads/main"});
  CHECK(github.default_branch == "main");
  CHECK(github.repositories == Texts{"https://github.com/Codertocat/Hello-World", "git@github.com:Codertocat/Hello-World.git",
                                     "https://github.com/Codertocat/Hello-World.git"});

  const auto gitlab = read({{"x-gitlab-event", "Push Hook"}}, gitlab_push);
  CHECK(gitlab.kind == PushEvent::Kind::push);
  CHECK(gitlab.refs == Texts{"refs/heads/master"});
  CHECK(gitlab.default_branch == "develop");
  CHECK(gitlab.repositories ==
        Texts{"http://example.com/mike/diaspora", "git@example.com:mike/diaspora.git", "http://example.com/mike/diaspora.git"});

  const auto cloud = read({{"x-event-key", "repo:push"}, {"x-hook-uuid", "u"}}, cloud_push);
  CHECK(cloud.kind == PushEvent::Kind::push);
  CHECK(cloud.refs == Texts{"refs/heads/name-of-branch", "refs/tags/v1", "refs/heads/gone"});
  CHECK(cloud.repositories == Texts{"https://bitbucket.org/team_name/repo_name"});

  const auto data_center = read({{"x-event-key", "repo:refs_changed"}}, data_center_push);
  CHECK(data_center.kind == PushEvent::Kind::push);
  CHECK(data_center.refs == Texts{"refs/heads/master"});
  CHECK(data_center.repositories ==
        Texts{"ssh://git@bitbucket.example:7999/proj/repository.git", "https://bitbucket.example/scm/proj/repository.git"});
}

TEST_CASE("Gitea and Forgejo are told from the servers whose headers they send as well") {
  const std::map<std::string, std::string> gitea{{"x-gitea-event", "push"}, {"x-gogs-event", "push"}, {"x-github-event", "push"}};
  CHECK(forge_of(request(gitea, "")) == Forge::gitea);
  auto forgejo = gitea;
  forgejo["x-forgejo-event"] = "push";
  CHECK(forge_of(request(forgejo, "")) == Forge::forgejo);
  CHECK(read(forgejo, github_push).refs == Texts{"refs/heads/main"});
  CHECK_FALSE(forge_of(request({{"x-other-event", "push"}}, "")));
}

TEST_CASE("Tests of a webhook are pings, and other events are not pushes") {
  using Kind = PushEvent::Kind;
  CHECK(read({{"x-github-event", "ping"}}, R"({"zen": "Keep it logically awesome.", "hook_id": 1})").kind == Kind::ping);
  CHECK(read({{"x-event-key", "diagnostics:ping"}}, R"({"test": true})").kind == Kind::ping);
  CHECK(read({{"x-github-event", "issues"}}, "{}").kind == Kind::other);
  CHECK(read({{"x-gitlab-event", "Note Hook"}}, R"({"object_kind": "note"})").kind == Kind::other);
  CHECK(read({{"x-event-key", "pr:opened"}}, "{}").kind == Kind::other);
  CHECK(read({{"x-gitlab-event", "Tag Push Hook"}}, R"({"object_kind": "tag_push", "ref": "refs/tags/v1"})").kind == Kind::push);
  CHECK(read({{"x-gitlab-event", "System Hook"}}, R"({"event_name": "push", "ref": "refs/heads/x"})").kind == Kind::push);
}

TEST_CASE("A form with the payload is as good as JSON") {
  const auto push = read({{"x-github-event", "push"}, {"content-type", "application/x-www-form-urlencoded"}},
                         "a=b&payload=%7B%22ref%22%3A+%22refs%2Fheads%2Fmain%22%7D");
  CHECK(push.refs == Texts{"refs/heads/main"});
  CHECK_THROWS_AS(read({{"x-github-event", "push"}, {"content-type", "application/x-www-form-urlencoded"}}, "a=b"), MalformedEvent);
}

TEST_CASE("What is no JSON, or deeper than any payload, is refused; long texts and many refs are passed over") {
  const std::map<std::string, std::string> headers{{"x-github-event", "push"}};
  for (const std::string& body : Texts{"", "{", "ref", R"({"ref": "refs/heads/main"} x)", std::string(100'000, '['), "{\"ref\": \"\xff\"}"})
    CHECK_THROWS_AS(read(headers, body), MalformedEvent);
  CHECK(read(headers, R"({"ref": ")" + std::string(5000, 'x') + "\"}").refs.empty());
  CHECK(read(headers, "[1, null, true, 1.5, {\"ref\": \"refs/heads/x\"}]").refs.empty());
  CHECK(read(headers, "{\"" + std::string(100'000, 'k') + R"(": {"ref": "refs/heads/x"}})").refs.empty());
  std::string changes;
  for (int i = 0; i < 1500; i++) changes += (i > 0 ? "," : "") + std::string(R"({"ref": {"id": "refs/heads/b)") + std::to_string(i) + "\"}}";
  const auto many = read({{"x-event-key", "repo:refs_changed"}}, R"({"changes": [)" + changes + "]}");
  CHECK(many.refs.size() == 1000);
  CHECK(many.has_more_refs);
}

TEST_CASE("A repository has one name by whatever URL") {
  for (const char* url : {"https://git.example/team/docs.git", "https://user:word@Git.Example:8443/Team/Docs/", "git@git.example:team/docs.git",
                          "ssh://git@git.example:2222/team/docs", "git://git.example/team/docs.git", "http://git.example//team/docs.git?x=y#z",
                          "git.example:/team/docs", "https://git.example/team/%64ocs"})
    CHECK_MESSAGE(repository_name(url) == "git.example/team/docs", url);
  CHECK(repository_name("https://git.example/team/docs2") == "git.example/team/docs2");
  CHECK(repository_name("https://[::1]:3000/a/b.git") == "::1/a/b");
  for (const char* other : {"", "/srv/git/docs.git", "file:///srv/git/docs.git", "ftp://git.example/docs", "https://git.example",
                            "https://git.example/%zz", "https:///x"})
    CHECK_MESSAGE(!repository_name(other), other);
}

TEST_CASE("A push concerns us when it is of our repository and our ref") {
  const auto github = read({{"x-github-event", "push"}}, github_push);
  const std::string repo = "git@github.com:codertocat/hello-world";
  CHECK(concerns(repo, "HEAD", github));
  CHECK(concerns(repo, "main", github));
  CHECK(concerns(repo, "heads/main", github));
  CHECK(concerns(repo, "refs/heads/main", github));
  CHECK(concerns(repo, "6113728f27ae82c7b1a177c8d03f9e96e0adf246", github));
  CHECK_FALSE(concerns(repo, "other", github));
  CHECK_FALSE(concerns(repo, "refs/tags/main", github));
  CHECK_FALSE(concerns("https://github.com/codertocat/hello", "main", github));
  CHECK_FALSE(concerns("https://gitlab.com/codertocat/hello-world", "main", github));

  const auto gitlab = read({{"x-gitlab-event", "Push Hook"}}, gitlab_push);
  CHECK(concerns("http://example.com/mike/diaspora.git", "master", gitlab));
  CHECK_FALSE(concerns("http://example.com/mike/diaspora.git", "HEAD", gitlab));

  auto tag = github;
  tag.refs = {"refs/tags/v1"};
  CHECK(concerns(repo, "v1", tag));
  CHECK(concerns(repo, "refs/tags/v1", tag));
  CHECK_FALSE(concerns(repo, "HEAD", tag));

  const auto cloud = read({{"x-event-key", "repo:push"}}, cloud_push);
  CHECK(concerns("git@bitbucket.org:team_name/repo_name.git", "v1", cloud));
  CHECK(concerns("https://bitbucket.org/team_name/repo_name.git", "gone", cloud));
  CHECK(concerns("https://bitbucket.org/team_name/repo_name.git", "HEAD", cloud));  // it does not say which branch that is
  CHECK_FALSE(concerns("https://bitbucket.org/team_name/repo_name.git", "main", cloud));

  auto settings = following("http://gitea.internal:3000/x/y.git", "main");
  CHECK_FALSE(Followed(settings).reason_to_ignore(github).empty());
  settings.listen_repos = {"https://github.com/Codertocat/Hello-World"};
  CHECK(Followed(settings).reason_to_ignore(github).empty());
}

TEST_CASE("Signatures are those of the servers' own examples") {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  const char* of_github = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const Texts secrets{"another", "It's a Secret to Everybody"};
  const auto check = [&](Forge forge, const char* header, const std::string& value) {
    return check_signature(forge, request({{header, value}}, "Hello, World!"), secrets);
  };
  const std::string prefixed = std::string("sha256=") + of_github;
  CHECK(check(Forge::github, "x-hub-signature-256", prefixed) == Signature::good);
  CHECK(check(Forge::github, "x-hub-signature-256", "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17") == Signature::good);
  CHECK(check(Forge::gitea, "x-gitea-signature", of_github) == Signature::good);
  CHECK(check(Forge::gitea, "x-hub-signature-256", prefixed) == Signature::good);
  CHECK(check(Forge::forgejo, "x-forgejo-signature", of_github) == Signature::good);
  CHECK(check(Forge::forgejo, "x-gitea-signature", of_github) == Signature::good);
  CHECK(check(Forge::bitbucket, "x-hub-signature", prefixed) == Signature::good);
  // What another server would send, SHA-1, and what is cut or longer is not.
  CHECK(check(Forge::github, "x-gitea-signature", of_github) == Signature::missing);
  CHECK(check(Forge::github, "x-hub-signature", prefixed) == Signature::missing);
  CHECK(check(Forge::github, "x-hub-signature-256", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6") == Signature::missing);
  CHECK(check(Forge::github, "x-hub-signature-256", "sha256=") == Signature::missing);
  CHECK(check(Forge::github, "x-hub-signature-256", prefixed.substr(0, prefixed.size() - 1)) == Signature::wrong);
  CHECK(check(Forge::github, "x-hub-signature-256", prefixed + "0") == Signature::wrong);
  CHECK(check(Forge::gitlab, "x-gitlab-token", "It's a Secret to Everybody") == Signature::good);
  CHECK(check(Forge::gitlab, "x-gitlab-token", "It's a Secret to Everybodz") == Signature::wrong);
  for (const char* arrived : {"100%41", "100A"})
    CHECK(check_signature(Forge::gitlab, request({{"x-gitlab-token", arrived}}, ""), {"100%41"}) == Signature::good);
  CHECK(check(Forge::gitlab, "x-gitlab-tokens", "It's a Secret to Everybody") == Signature::missing);
  CHECK(check_signature(Forge::github, request({{"x-hub-signature-256", prefixed}}, "Hello, World?"), secrets) == Signature::wrong);
  CHECK(check_signature(Forge::github, request({{"x-hub-signature-256", prefixed}}, "Hello, World!"), {}) == Signature::wrong);
}

TEST_CASE("GitLab's signing token is used as Standard Webhooks has it") {
  // Computed by Python's hmac over the example of that specification's reference libraries.
  std::map<std::string, std::string> headers{{"x-gitlab-event", "Push Hook"},
                                             {"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                                             {"webhook-timestamp", "1614265330"},
                                             {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
  const std::string body = R"({"test": 2432232314})";
  const Texts secrets{"plain", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  CHECK(check_signature(Forge::gitlab, request(headers, body), secrets) == Signature::good);
  CHECK(check_signature(Forge::gitlab, request(headers, body + " "), secrets) == Signature::wrong);
  CHECK(check_signature(Forge::gitlab, request(headers, body), {"plain", "whsec_", "whsec_***"}) == Signature::wrong);
  auto several = headers;
  several["webhook-signature"] = "v1,AAAA v1a,BBBB " + headers["webhook-signature"];
  CHECK(check_signature(Forge::gitlab, request(several, body), secrets) == Signature::good);
  auto other_time = headers;
  other_time["webhook-timestamp"] = "1614265331";
  CHECK(check_signature(Forge::gitlab, request(other_time, body), secrets) == Signature::wrong);
  // The token of the same call does not help a signature that is wrong.
  auto both = other_time;
  both["x-gitlab-token"] = "plain";
  CHECK(check_signature(Forge::gitlab, request(both, body), secrets) == Signature::wrong);
}
