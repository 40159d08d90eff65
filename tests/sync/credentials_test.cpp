#include "sync/remote/credentials.hpp"

#include "sync/fetch_fixture.hpp"
#include "sync/remote/known_hosts.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

constexpr const char* password = "p:@ss w/rd";

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::trunc) << text; }

// An http server that asks for the user "user".
struct Http : FetchFixture {
  std::string head = git.commit({{"a", {"100644", "1"}}});
  GitHttpServer server{served, {"--user", "user", "--password", password}};

  void check_refused(const std::string& words) {
    const std::string text = failure();
    check_says(text, words);
    CHECK(text.find(password) == std::string::npos);
    CHECK(text.find("wrong-one") == std::string::npos);
  }
};

struct Ssh : FetchFixture {
  std::string head = git.commit({{"a", {"100644", "1"}}});
  fs::path good = make_key("good");
  fs::path other = make_key("other");
  std::unique_ptr<SshServer> server;

  fs::path make_key(const std::string& name, const std::string& passphrase = "") {
    SshServer::make_key(directory / name, "ed25519", passphrase);
    return directory / name;
  }

  void start(const std::vector<std::string>& kinds = {"ed25519"}) {
    server = std::make_unique<SshServer>(directory.path(), std::vector<fs::path>{directory / "good.pub"}, kinds);
    settings.ssh_known_hosts_file = (directory / "known_hosts").string();
    settings.ssh_key_files = {good.string()};
    write(settings.ssh_known_hosts_file, server->known_host(kinds.front()));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Http, "a user and password log in from the environment, a file or the URL, and the flags win over the URL") {
  settings.username = "user";
  settings.password = password;
  use(server.url("r.git"));
  CHECK(fetched() == head);
  use(server.url("r.git", "somebody:else"));
  CHECK(fetched() == head);
  settings.password.clear();
  settings.password_file = (directory / "password").string();
  write(directory / "password", std::string(password) + "\n");
  use(server.url("r.git"));
  CHECK(fetched() == head);
  settings.password_file.clear();
  settings.username.clear();
  use(server.url("r.git", "user:p%3A%40ss%20w%2Frd"));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(Http, "a rotated password file is read again") {
  settings.username = "user";
  settings.password_file = (directory / "password").string();
  write(directory / "password", "wrong-one");
  use(server.url("r.git"));
  check_refused("refuses the user 'user' with the password from --password-file");
  write(directory / "password", password);
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(Http, "wrong or missing http credentials are one clear sentence without the secret") {
  use(server.url("r.git"));
  check_refused("set --username and --password-file, or GITSYNC_PASSWORD");
  use(server.url("r.git", "user:wrong-one"));
  check_refused("the password from the URL of --repo");
  settings.username = "user";
  settings.password = "wrong-one";
  use(server.url("r.git"));
  check_refused("refuses the user 'user' with the password from GITSYNC_PASSWORD");
  settings.password.clear();
  settings.password_file = (directory / "absent").string();
  use(server.url("r.git"));
  check_refused((directory / "absent").string());
}

TEST_CASE_FIXTURE(Http, "no credential is stored in the repository") {
  use(server.url("r.git", "user:p%3A%40ss%20w%2Frd"));
  CHECK(fetched() == head);
  CHECK(trimmed(run({"git", "-C", root().string(), "remote", "get-url", "origin"})) == server.url("r.git"));
  CHECK(run_any({"grep", "-rqF", "ss%20w", root().string()}).status == 1);
  CHECK(run_any({"grep", "-rqF", password, root().string()}).status == 1);
}

TEST_CASE_FIXTURE(Ssh, "several ssh keys are tried in order, and unusable ones are left out") {
  start();
  settings.ssh_key_files = {(directory / "absent").string(), make_key("locked", "secret").string(), other.string(), good.string()};
  use(server->url(git.path()));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(Ssh, "when every ssh key is refused the sentence names them") {
  start();
  settings.ssh_key_files = {other.string(), (directory / "absent").string()};
  use(server->url(git.path()));
  const std::string text = failure();
  check_says(text, "with each key of --ssh-key-file (" + other.string() + ")");
  check_says(text, (directory / "absent").string() + " can't be read");
  settings.ssh_key_files = {(directory / "absent").string()};
  use(server->url(git.path()));
  check_says(failure(), "name a private key by --ssh-key-file");
}

TEST_CASE_FIXTURE(Ssh, "an ssh host is only trusted by its key in known_hosts") {
  start();
  const fs::path file = settings.ssh_known_hosts_file;
  const std::string right = server->known_host();
  std::string stranger;
  std::getline(std::ifstream(directory / "other.pub"), stranger);
  const std::string place = "[127.0.0.1]:" + std::to_string(server->port());
  use(server->url(git.path()));
  write(file, "# nobody\n");
  check_says(failure(), "the ssh host " + place + " is not in " + file.string());
  write(file, place + " " + stranger + "\n");
  check_says(failure(), "shows an Ed25519 key other than those in");
  write(file, right + "@revoked " + right);
  check_says(failure(), "is revoked");
  fs::remove(file);
  check_says(failure(), "--ssh-known-hosts-file");
  write(file, "garbage line\n@cert-authority * " + stranger + "\nelsewhere.example " + stranger + "\n" + right);
  CHECK(fetched() == head);
  write(file, right);
  run({"ssh-keygen", "-q", "-H", "-f", file.string()});
  CHECK(std::ifstream(file).get() == '|');
  use(server->url(git.path()));
  CHECK(fetched() == head);
  write(file, "");
  settings.ssh_known_hosts = false;
  use(server->url(git.path()));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(Ssh, "one of a host's several keys in known_hosts is enough") {
  for (const char* kind : {"ed25519", "ecdsa"}) {
    CAPTURE(kind);
    for (const char* name : {"host_ed25519", "host_ecdsa", "host_rsa"}) {
      fs::remove(directory / name);
      fs::remove(directory / (std::string(name) + ".pub"));
    }
    fs::remove_all(root());
    start({kind, "rsa", std::string(kind) == "ecdsa" ? "ed25519" : "ecdsa"});
    use(server->url(git.path()));
    CHECK(fetched() == head);
  }
}
