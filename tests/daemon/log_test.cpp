#include "daemon/log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>
#include <vector>

#include "daemon/error.hpp"
#include "daemon/main_errors.hpp"
#include "daemon/text.hpp"

using namespace tidemark;

namespace {

// What `body` writes to standard error.
std::string written(const std::function<void()>& body) {
  std::fflush(stderr);
  FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  body();
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::rewind(file);
  std::string text;
  std::array<char, 4096> piece;
  for (std::size_t count = 0; (count = std::fread(piece.data(), 1, piece.size(), file)) > 0;) text.append(piece.data(), count);
  std::fclose(file);
  return text;
}

std::string text_line(std::initializer_list<LogField> fields) {
  const std::string line = written([&] { Log(LogFormat::text, LogLevel::info).info("event", fields); });
  return line.substr(line.find(' ') + 1);
}

nlohmann::json json_line(std::initializer_list<LogField> fields) {
  const std::string line = written([&] { Log(LogFormat::json, LogLevel::info).info("event", fields); });
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  return nlohmann::json::parse(line);
}

}  // namespace

TEST_CASE("a text line has an RFC 3339 time in UTC with milliseconds, level, event and fields") {
  const std::string line = written([] {
    Log(LogFormat::text, LogLevel::info).warning("published revision", {{"commit", "1f3a"}, {"files", 3}, {"seconds", 0.25}, {"ok", true}});
  });
  CHECK(std::regex_match(
      line, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning published revision commit=1f3a files=3 seconds=0\.25 ok=true\n)")));
}

TEST_CASE("a JSON line is one object with the same") {
  const std::string line = written([] {
    Log(LogFormat::json, LogLevel::info).error("run failed", {{"error", "a \"quoted\" word"}, {"n", 3}, {"ok", false}});
  });
  const auto event = nlohmann::json::parse(line);
  CHECK(std::regex_match(event["time"].get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
  CHECK(event["level"] == "error");
  CHECK(event["event"] == "run failed");
  CHECK(event["error"] == "a \"quoted\" word");
  CHECK(event["n"] == 3);
  CHECK(event["ok"] == false);
}

TEST_CASE("events below the level are not written") {
  CHECK(written([] {
          Log log(LogFormat::text, LogLevel::warning);
          log.debug("no");
          log.info("no");
        }).empty());
}

TEST_CASE("values that could be misread are quoted") {
  CHECK(text_line({{"path", "docs/計算機.md"}}) == "info event path=docs/計算機.md\n");
  CHECK(text_line({{"text", "two words"}}) == "info event text=\"two words\"\n");
  CHECK(text_line({{"text", ""}}) == "info event text=\"\"\n");
  CHECK(text_line({{"text", "a=b"}}) == "info event text=\"a=b\"\n");
  CHECK(text_line({{"text", "say \"hi\""}}) == "info event text=\"say \\\"hi\\\"\"\n");
}

TEST_CASE("no value can begin a line of its own, colour a terminal or turn the text around") {
  const std::string hostile = "a\n2026-01-01T00:00:00.000Z error forged\r\x1b[2J\x7f\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xff\xfe";
  const std::string line = text_line({{"path", hostile}});
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  for (const char* bad : {"\r", "\x1b", "\x7f", "\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xae", "\xff"}) CHECK(line.find(bad) == std::string::npos);
  const std::string json = written([&] { Log(LogFormat::json, LogLevel::info).info("event", {{"path", hostile}}); });
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  for (const char* bad : {"\r", "\x1b", "\x7f", "\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xae", "\xff"}) CHECK(json.find(bad) == std::string::npos);
  CHECK(nlohmann::json::parse(json)["path"].get<std::string>().starts_with("a\n2026-01-01"));
}

TEST_CASE("a JSON value is what was logged, backslashes and Japanese included") {
  CHECK(json_line({{"path", "a\\b 計算機"}})["path"] == "a\\b 計算機");
}

TEST_CASE("an oversized value is cut") {
  CHECK(text_line({{"text", std::string(100'000, 'x')}}).size() < 5'000);
  CHECK(json_line({{"text", std::string(100'000, 'x')}})["text"].get<std::string>().size() < 5'000);
}

TEST_CASE("lines of several threads do not mix") {
  const std::string text = written([] {
    Log log(LogFormat::json, LogLevel::info);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) log.info("event", {{"text", std::string(200, 'x')}});
      });
    }
  });
  std::size_t start = 0;
  int lines = 0;
  for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1, ++lines) {
    CHECK(nlohmann::json::accept(text.substr(start, end - start)));
  }
  CHECK(lines == 400);
}

TEST_CASE("URL credentials are redacted wherever they stand") {
  CHECK(redact_credentials("https://user:secret@host/x") == "https://REDACTED@host/x");
  CHECK(redact_credentials("cannot fetch 'https://token@host/x' or http://a:b@c") == "cannot fetch 'https://REDACTED@host/x' or http://REDACTED@c");
  CHECK(redact_credentials("https://user:p@ss@host/x") == "https://REDACTED@host/x");
  CHECK(redact_credentials("https://user:pa/ss@host/x") == "https://REDACTED@host/x");
  CHECK(redact_credentials("https://user:@host") == "https://REDACTED@host");
  for (const std::string mark : {"'", "\"", "<", ">", "`"}) {
    CHECK(redact_credentials("https://user:pa" + mark + "ss@host/x") == "https://REDACTED@host/x");
    CHECK(redact_credentials("fetch '" "https://to" + mark + "ken@host/x'") == "fetch 'https://REDACTED@host/x'");
  }
}

TEST_CASE("a text without URL credentials stays as it is") {
  for (const char* text :
       {"", "https://host/x", "https://host:8080/a@v1", "git@host:path", "https://[::1]:80/a@b", "://", "a://", "https://host/x user@mail"}) {
    CHECK(redact_credentials(text) == text);
  }
}

TEST_CASE("a log line redacts its values") {
  CHECK(text_line({{"url", "https://user:secret@host/x"}}) == "info event url=https://REDACTED@host/x\n");
  CHECK(json_line({{"url", "https://user:secret@host/x"}})["url"] == "https://REDACTED@host/x");
}

TEST_CASE("every configuration problem is a line of its own and the exit code 2") {
  int code = 0;
  const std::string text = written([&] {
    code = run_main("tidemark-sync", []() -> int { throw ConfigError(std::vector<std::string>{"--repo is needed", "bad URL https://a:b@c"}); });
  });
  CHECK(code == 2);
  CHECK(text == "tidemark-sync: --repo is needed\ntidemark-sync: bad URL https://REDACTED@c\n");
}

TEST_CASE("any other exception is one line and the exit code 1") {
  int code = 0;
  const std::string text = written([&] { code = run_main("tidemark-sync", []() -> int { throw TransientError("line\nbreak"); }); });
  CHECK(code == 1);
  CHECK(text == "tidemark-sync: line\\nbreak\n");
  CHECK(run_main("tidemark-sync", [] { return 7; }) == 7);
}

TEST_CASE("the nearest name allows for small slips only") {
  const std::vector<std::string> names{"period", "repo", "ref", "root"};
  CHECK(nearest("perido", names) == "period");
  CHECK(nearest("repos", names) == "repo");
  CHECK(nearest("webhook-url", names).empty());
}
