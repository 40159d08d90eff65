// Answers that are no repository's: one sentence that says what to do. TLS, proxies and HTTP/2 between us and the server.
#include <doctest/doctest.h>

#include <fstream>

#include "sync/http_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;

TEST_CASE_FIXTURE(HttpFixture, "an answer that is no repository's is told in words, with those of the server") {
  struct Case {
    std::vector<std::string> options;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {{"--status", "403", "--body", "your address is blocked\nmore"}, {"403 Forbidden", "(it says: your address is blocked)"}},
      {{"--status", "404"}, {"404 Not Found", "check --repo"}},
      {{"--status", "429"}, {"429 Too Many Requests", "--period"}},
      {{"--status", "500"}, {"500 Internal Server Error"}},
      {{"--status", "503", "--type", "text/html", "--body", "<h1>maintenance</h1>"}, {"503 Service Unavailable"}},
      {{"--status", "418"}, {"418"}},
      {{"--status", "401"}, {"set --username and --password-file"}},
      {{"--status", "200", "--type", "Text/HTML; charset=utf-8", "--body", "<h1>sign in</h1>"}, {"a web page", "check --repo and the credentials"}},
      {{"--status", "200"}, {"dumb http"}},
      {{"--status", "200", "--type", "application/json"}, {"'application/json'", "check that --repo is a git repository"}},
      {{"--status", "200", "--type", "application/x-git-upload-pack-advertisement", "--body", ""}, {"ends too early"}},
      {{"--status", "200", "--type", "application/x-git-upload-pack-advertisement", "--body", "{}{}{}"}, {"does not speak git's protocol"}},
      {{"--status", "200", "--type", "application/x-git-upload-pack-advertisement", "--body", "0020ERR the repository is frozen\n"},
       {"the server says: the repository is frozen"}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    const GitHttpServer server = serve(one.options);
    use(server.url("r.git"));
    const std::string text = failure();
    for (const auto& words : one.words) check_says(text, words);
    CHECK(text.find('\n') == std::string::npos);
  }
  const GitHttpServer healthy = serve();
  use(healthy.url("r.git"));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(TlsFixture,
                  "a private authority's certificate is believed with its file, an unknown one is not, and a file that was replaced is read again") {
  const GitHttpServer server = serve(tls());
  const CertificateAuthority stranger(directory.path(), "stranger");
  use(server.url("r.git"));
  check_says(failure(), "the certificate of 127.0.0.1 is not trusted");
  check_says(failure(), "--ca-file");
  settings.ca_file = (directory / "ca.pem").string();
  use(server.url("r.git"));
  check_says(failure(), settings.ca_file);
  std::filesystem::copy_file(stranger.file(), settings.ca_file);
  check_says(failure(), "the certificate of 127.0.0.1 is not trusted");
  std::filesystem::copy_file(authority.file(), settings.ca_file, std::filesystem::copy_options::overwrite_existing);
  CHECK(fetched() == head);
  const auto lines = requests.take();
  for (const auto& request : lines) CHECK(request["connection"] == lines.front()["connection"]);
}

TEST_CASE_FIXTURE(TlsFixture, "a certificate for another name and one that has expired are not believed") {
  settings.ca_file = authority.file().string();
  const GitHttpServer server = serve(tls());
  use("https://localhost:" + server.port() + "/r.git");
  check_says(failure(), "the certificate of localhost is not trusted");
  certificate = authority.issue("old", CertificateAuthority::Validity::expired);
  const GitHttpServer old = serve(tls());
  use(old.url("r.git"));
  check_says(failure(), "expired");
}

TEST_CASE_FIXTURE(TlsFixture, "a server that asks for a certificate gets ours") {
  const GitHttpServer server = serve(tls({"--client-ca", authority.file().string()}));
  settings.ca_file = authority.file().string();
  use(server.url("r.git"));
  CHECK(failure() != "");
  const Certificate own = authority.issue("own");
  settings.client_cert_file = own.certificate.string();
  settings.client_key_file = own.key.string();
  use(server.url("r.git"));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(TlsFixture, "proxies of the environment are used for http and https, with their own login, and not for hosts of no_proxy") {
  ForwardProxy proxy({"--user", "proxy-user", "--password", "proxy-secret"});
  const GitHttpServer plain = serve({"--user", "user", "--password", "secret"});
  const GitHttpServer secure = serve(tls());
  settings.ca_file = authority.file().string();
  const std::string plain_url = "http://git.invalid:" + plain.port() + "/r.git";
  const std::string secure_url = "https://git.invalid:" + secure.port() + "/r.git";
  {
    const ScopedEnvironment environment(
        {{"http_proxy", proxy.url("proxy-user:proxy-secret")}, {"https_proxy", proxy.url("proxy-user:proxy-secret")}});
    settings.username = "user";
    settings.password = "secret";
    use(plain_url);
    CHECK(fetched() == head);
    CHECK(proxy.next_request() == "GET " + plain_url + "/info/refs?service=git-upload-pack proxy-user:proxy-secret");
    for (const auto& request : requests.take()) CHECK((request["login"] == "" || request["login"] == "user:secret"));
    use(secure_url);
    CHECK(fetched() == head);
    std::string line;
    while (!line.starts_with("CONNECT")) line = proxy.next_request();
    CHECK(line == "CONNECT git.invalid:" + secure.port() + " proxy-user:proxy-secret");
  }
  {
    const ScopedEnvironment environment({{"http_proxy", proxy.url("proxy-user:wrong")}, {"https_proxy", proxy.url("proxy-user:wrong")}});
    for (const auto& url : {plain_url, secure_url}) {
      use(url);
      const std::string text = failure();
      check_says(text, "407");
      CHECK(text.find("wrong") == std::string::npos);
    }
  }
  const ScopedEnvironment environment({{"http_proxy", proxy.url()}, {"no_proxy", "example.com,git.invalid"}});
  use(plain_url);
  check_says(failure(), "look up git.invalid");
  use(plain.url("r.git"));
  CHECK(fetched() == head);
}

TEST_CASE_FIXTURE(TlsFixture, "HTTP/2 is spoken with a server that offers it, and HTTP/1.1 with one that does not") {
  settings.ca_file = authority.file().string();
  settings.username = "user";
  settings.password = "secret";
  const GitHttpServer backend = serve({"--user", "user", "--password", "secret"});
  const Http2Proxy proxy(certificate, backend.port());
  use(proxy.url("r.git"));
  CHECK(fetched() == head);
  Tree large;
  for (int i = 0; i < 500; ++i) large[std::to_string(i)] = {"100644", std::string(10'000, 'x') + std::to_string(i * 7919)};
  head = git.commit(large, "refs/heads/main", head);
  CHECK(fetched() == head);
  check_complete(head);
  for (const auto& request : requests.take()) CHECK(request["via"] == "2 nghttpx");
  CHECK(fetched() == head);
  CHECK(asked() == std::vector<std::string>{"POST /r.git/git-upload-pack"});
  std::filesystem::remove_all(root());
  const GitHttpServer old = serve(tls());
  use(old.url("r.git"));
  CHECK(fetched() == head);
  for (const auto& request : requests.take()) CHECK(request["alpn"] == "http/1.1");
}
