#include "daemon/units.hpp"

#include <doctest/doctest.h>

using namespace tidemark;
using namespace std::chrono_literals;

TEST_CASE("durations are read in Go's notation") {
  // Expected values: Go's time.ParseDuration.
  CHECK(parse_duration("300ms") == 300ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("1.5h") == 90min);
  CHECK(parse_duration("1h1m1.001s") == 3'661'001ms);
  CHECK(parse_duration(".5s") == 500ms);
  CHECK(parse_duration("5.s") == 5s);
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("2000us") == 2ms);
  CHECK(parse_duration("\xC2\xB5s") == std::nullopt);
  CHECK(parse_duration("1000\xC2\xB5s") == 1ms);
}

TEST_CASE("a duration below a millisecond is rounded up, so that it is not taken for none") { CHECK(parse_duration("1ns") == 1ms); }

TEST_CASE("what is not a duration is refused") {
  for (const char* text :
       {"", " ", "10", "s", ".", ".s", "10 s", "-1s", "+1s", "1d", "10S", "1s2", "1e3s", "99999999999999999999s", "900000h", "1s\n", "1..5s"}) {
    CAPTURE(text);
    CHECK(parse_duration(text) == std::nullopt);
  }
}

TEST_CASE("durations are written so that reading gives them back") {
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(1h) == "1h");
  for (const auto value : {0ms, 1ms, 999ms, 1000ms, 1001ms, 1050ms, 59'999ms, 60'000ms, 60'001ms, 3'600'000ms, 3'660'010ms, 90'061'001ms}) {
    CHECK(parse_duration(format_duration(value)) == value);
  }
}

TEST_CASE("sizes are read in binary and decimal units") {
  CHECK(parse_bytes("512") == Bytes{512});
  CHECK(parse_bytes("512B") == Bytes{512});
  CHECK(parse_bytes("64KiB") == Bytes{65'536});
  CHECK(parse_bytes("5MiB") == Bytes{5'242'880});
  CHECK(parse_bytes("5Mi") == Bytes{5'242'880});
  CHECK(parse_bytes("1GiB") == Bytes{1'073'741'824});
  CHECK(parse_bytes("10MB") == Bytes{10'000'000});
  CHECK(parse_bytes("10M") == Bytes{10'000'000});
  CHECK(parse_bytes("0") == Bytes{0});
  CHECK(parse_bytes("9223372036854775807") == Bytes{9'223'372'036'854'775'807});
}

TEST_CASE("what is not a size is refused") {
  for (const char* text : {"", "MiB", "-1", "1.5GiB", "5 MiB", "5mib", "5MiBs", "9223372036854775808", "8388608TiB", "0x10"}) {
    CAPTURE(text);
    CHECK(parse_bytes(text) == std::nullopt);
  }
}

TEST_CASE("sizes are written so that reading gives them back") {
  CHECK(format_bytes({5 * 1024 * 1024}) == "5MiB");
  CHECK(format_bytes({1000}) == "1000");
  CHECK(format_bytes({0}) == "0");
}
