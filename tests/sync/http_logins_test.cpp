// Which user and password goes where, and that each is read again when it has changed.
#include "sync/remote/http_logins.hpp"

#include <fstream>

#include "sync/http_fixture.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::trunc) << text; }

// The user for `url`, or "".
std::string user_for(HttpLogins& logins, const std::string& url) {
  const auto found = logins.find(*HttpUrl::parse(url), HttpLogins::Freshness::cached, {});
  return found ? found->login.user : "";
}

struct Askpass : HttpFixture {
  GitHttpServer server = serve({"--user", "user", "--password", "secret"});
  RequestLog calls{directory / "askpass"};
  int port = free_port();
  std::unique_ptr<GitHttpServer> helper;

  Askpass() { settings.askpass_url = "http://127.0.0.1:" + std::to_string(port) + "/token?for=git"; }

  void answer(const std::string& text, std::vector<std::string> options = {}) {
    helper.reset();
    options.insert(options.end(), {"--port", std::to_string(port), "--log", calls.file(), "--body", text});
    if (std::ranges::find(options, "--status") == options.end()) options.insert(options.end(), {"--status", "200"});
    helper = std::make_unique<GitHttpServer>(served, options);
  }
};

}  // namespace

TEST_CASE("of several entries the one whose path begins the URL longest is taken, and never one for another scheme, host or port") {
  SyncSettings settings;
  settings.repo = "https://git.example/team/main.git";
  settings.username = "for-repo";
  settings.password = "x";
  settings.credentials = {{"https://git.example/team", "for-team", "x", ""},    {"https://git.example", "for-host", "x", ""},
                          {"https://git.example/team/", "for-team-2", "x", ""}, {"http://other.example", "for-other", "x", ""},
                          {"https://git.example:8443/", "for-port", "x", ""},   {"http://plain.example:8080", "for-plain", "x", ""}};
  HttpLogins logins(settings);
  CHECK(user_for(logins, "https://git.example/team/main.git/info/refs?service=git-upload-pack") == "for-repo");
  CHECK(user_for(logins, "https://git.example/team/sub.git") == "for-team-2");
  CHECK(user_for(logins, "https://git.example/teamwork/x") == "for-host");
  CHECK(user_for(logins, "https://GIT.example:443/x") == "for-host");
  CHECK(user_for(logins, "https://git.example:8443/team/x") == "for-port");
  CHECK(user_for(logins, "http://git.example/team/main.git") == "");
  CHECK(user_for(logins, "https://sub.git.example/team/main.git") == "");
  CHECK(user_for(logins, "https://git.example.evil.example/team/main.git") == "");
  CHECK(user_for(logins, "http://other.example/x") == "for-other");
  CHECK(user_for(logins, "https://other.example/x") == "for-other");
  CHECK(user_for(logins, "https://plain.example/x") == "");
}

TEST_CASE("a password is for its host when no path fits better, and the last entry counts") {
  SyncSettings settings;
  settings.repo = "ssh://git@git.example/main.git";
  settings.credentials = {{"https://git.example/a", "first", "x", ""}, {"https://git.example/b", "second", "x", ""}};
  HttpLogins logins(settings);
  CHECK(user_for(logins, "https://git.example/c") == "second");
  CHECK(user_for(logins, "https://git.example/a/x") == "first");
}

TEST_CASE("credentials are read from git-sync's JSON, and every mistake is named without a secret") {
  std::vector<CredentialSetting> credentials;
  CHECK_FALSE(add_credentials(R"({"url":"https://github.com", "username":"myname", "password-file":"/creds/mypass"})", credentials));
  CHECK_FALSE(add_credentials(R"( [{"url":"http://h:8080/x","username":"u","password":"p"},{"url":"https://i","username":"v","password":"q"}] )",
                              credentials));
  CHECK_FALSE(add_credentials("[]", credentials));
  REQUIRE(credentials.size() == 3);
  CHECK(credentials[0].url == "https://github.com");
  CHECK(credentials[0].username == "myname");
  CHECK(credentials[0].password_file == "/creds/mypass");
  CHECK(credentials[2].password == "q");
  const std::vector<std::pair<const char*, const char*>> mistakes = {
      {R"({"url":"https://h","username":"u","password":"hidden")", "not JSON"},
      {R"("https://u:hidden@h")", "no JSON object"},
      {"{}", "needs a url"},
      {R"([{"url":"https://h","username":"u","password":"hidden"},{"url":"https://h","password":"hidden"}])",
       "credential 2: that for https://h needs a username"},
      {R"({"url":"https://h","username":"u"})", "either a password or a password-file"},
      {R"({"url":"https://h","username":"u","password":"hidden","password-file":"/x"})", "either a password or a password-file"},
      {R"({"url":"https://h","username":"u","passwort":"hidden"})", "no field 'passwort'"},
      {R"({"url":"https://h","username":7,"password":"hidden"})", "its username is no text"},
      {R"({"url":"ssh://git@h","username":"u","password":"hidden"})", "of http or https"},
      {R"({"url":"https://u:hidden@h","username":"u","password":"hidden"})", "without a user in it"},
  };
  for (const auto& [json, words] : mistakes) {
    CAPTURE(json);
    const auto problem = add_credentials(json, credentials);
    REQUIRE(problem);
    check_says(*problem, words);
    CHECK(problem->find("hidden") == std::string::npos);
  }
}

TEST_CASE_FIXTURE(HttpFixture, "entries of --credential log in, also where a redirect leads, with a file that is read again when it has changed") {
  const fs::path file = directory / "password";
  write(file, "one");
  const GitHttpServer target = serve({"--user", "second", "--password", "two"});
  const GitHttpServer server = serve({"--user", "first", "--password", "one", "--redirect", target.url("")});
  settings.credentials = {{server.url(""), "first", "", file.string()}, {target.url(""), "second", "two", ""}};
  use(server.url("r.git"));
  CHECK(fetched() == head);
  use(server.url("moved/r.git"));
  CHECK(fetched() == push("2"));
  for (const auto& request : requests.take()) {
    const std::string login = request["login"];
    CHECK((login == "" || login == (request["host"] == "127.0.0.1:" + target.port() ? "second:two" : "first:one")));
  }
  use(server.url("r.git"));
  write(file, "wrong");
  const std::string text = failure();
  check_says(text, "refuses the user 'first' with the password from --credential");
  CHECK(text.find("wrong'") == std::string::npos);
  write(file, "one");
  CHECK(fetched() == push("3"));
}

TEST_CASE_FIXTURE(Askpass, "the helper is asked when the server asks, once as long as its answer is accepted") {
  answer("username=user\r\nother=x\npassword=secret\n");
  use(server.url("r.git"));
  CHECK(fetched() == head);
  CHECK(fetched() == push("2"));
  auto asked = calls.take();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0]["method"] == "GET");
  CHECK(asked[0]["path"] == "/token");
  CHECK(asked[0]["query"] == "for=git");
  const GitHttpServer open = serve();
  use(open.url("r.git"));
  CHECK(fetched() == head);
  CHECK(calls.take().empty());
}

TEST_CASE_FIXTURE(Askpass, "when the server refuses what the helper said, it is asked again within the same attempt") {
  const int git_port = free_port();
  auto first =
      std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--user", "user", "--password", "old", "--port", std::to_string(git_port)});
  answer("username=user\npassword=old\n");
  use("http://127.0.0.1:" + std::to_string(git_port) + "/r.git");
  CHECK(fetched() == head);
  first.reset();
  const GitHttpServer second(served, {"--user", "user", "--password", "new", "--port", std::to_string(git_port)});
  answer("username=user\npassword=new\n");
  CHECK(fetched() == push("2"));
  CHECK(calls.take().size() == 2);
}

TEST_CASE_FIXTURE(Askpass, "after a 403, by which some servers tell of an expired password, the helper is asked again at the next attempt") {
  const int git_port = free_port();
  const std::string port_text = std::to_string(git_port);
  auto git_server = std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--user", "user", "--password", "old", "--port", port_text});
  answer("username=user\npassword=old\n");
  use("http://127.0.0.1:" + port_text + "/r.git");
  CHECK(fetched() == head);
  git_server.reset();
  git_server = std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--status", "403", "--port", port_text});
  check_says(failure(), "403 Forbidden");
  calls.take();
  git_server.reset();
  git_server = std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--user", "user", "--password", "new", "--port", port_text});
  answer("username=user\npassword=new\n");
  CHECK(fetched() == push("2"));
  CHECK(calls.take().size() == 1);
}

TEST_CASE_FIXTURE(Askpass,
                  "over https the helper's private authority is trusted when it is that of --ca-file, and the helper is told nothing otherwise") {
  const CertificateAuthority authority(directory.path(), "authority");
  const CertificateAuthority other(directory.path(), "other");
  const Certificate certificate = authority.issue("helper");
  settings.askpass_url = "https://127.0.0.1:" + std::to_string(port) + "/token";
  answer("username=user\npassword=secret\n", {"--certificate", certificate.certificate.string(), "--key", certificate.key.string()});
  SUBCASE("no --ca-file") {}
  SUBCASE("another authority's") { settings.ca_file = other.file(); }
  use(server.url("r.git"));
  check_says(failure(), "--askpass-url: ");
  CHECK(calls.take().empty());
  settings.ca_file = authority.file();
  use(server.url("r.git"));
  CHECK(fetched() == head);
  CHECK(calls.take().size() == 1);
}

TEST_CASE_FIXTURE(Askpass, "a helper that is wrong, late, broken or away is told of without its answer, and tried again the next time") {
  use(server.url("r.git"));
  check_says(failure(), "--askpass-url: ");
  answer("username=user\npassword=hidden\n");
  std::string text = failure();
  check_says(text, "refuses the user 'user' with the password from --askpass-url");
  CHECK(text.find("hidden") == std::string::npos);
  answer("hidden", {"--status", "503"});
  text = failure();
  check_says(text, "answers 503");
  CHECK(text.find("hidden") == std::string::npos);
  answer("hidden\n");
  text = failure();
  check_says(text, "without a line of password=");
  CHECK(text.find("hidden") == std::string::npos);
  answer("username=user\npassword=secret\n", {"--delay", "5"});
  const auto start = std::chrono::steady_clock::now();
  check_says(failure(), "--askpass-url: ");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(3500));
  answer("username=user\npassword=secret\n");
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(HttpFixture, "cookies of the file are sent, and those of a new file without a restart") {
  const fs::path file = directory / "cookies";
  const auto cookie = [&](const std::string& value) { write(file, "127.0.0.1\tFALSE\t/\tFALSE\t2147483647\to\t" + value + "\n"); };
  const GitHttpServer server = serve({"--cookie", "o=right"});
  settings.cookie_file = file.string();
  use(server.url("r.git"));
  check_says(failure(), "read the cookie file " + file.string());
  cookie("wrong");
  check_says(failure(), "403 Forbidden");
  cookie("right");
  CHECK(fetched() == head);
  const GitHttpServer other = serve({"--redirect", server.url("")});
  use("http://localhost:" + other.port() + "/moved/r.git");
  CHECK(fetched() == push("2"));
  for (const auto& request : requests.take())
    if (request["host"].get<std::string>().starts_with("localhost")) CHECK(request["cookie"] == "");
}
