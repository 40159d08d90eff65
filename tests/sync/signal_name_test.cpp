#include "sync/settings/signal_name.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace tidemark::sync;

TEST_CASE("a signal is named with SIG, without it, or by its number") {
  CHECK(parse_signal("SIGHUP") == SIGHUP);
  CHECK(parse_signal("HUP") == SIGHUP);
  CHECK(parse_signal("1") == SIGHUP);
  CHECK(parse_signal("USR2") == SIGUSR2);
  CHECK(parse_signal("10") == SIGUSR1);
}

TEST_CASE("what names no signal is none") {
  for (const char* text : {"", "SIG", "hup", "SIGNONSENSE", "0", "-1", "99999", "1x", "SIGSIGHUP"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_signal(text));
  }
}

TEST_CASE("signals that mean something else already are not free") {
  for (const int signal : {SIGTERM, SIGINT, SIGKILL, SIGSTOP, SIGCHLD, SIGSEGV}) CHECK_FALSE(is_free_signal(signal));
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH}) CHECK(is_free_signal(signal));
}
