// Expected answers are those that git itself gives for a real repository, and the examples of gitprotocol-v2(5) and gitprotocol-pack(5).
#include "sync/remote/ref_listing.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "support/command.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;

namespace {

const std::string one(40, '1');
const std::string two(40, '2');

Advertisement advertised(const std::string& bytes, std::vector<std::string> names = {"HEAD", "refs/heads/main"}) {
  Advertisement advertisement(std::move(names));
  for (const char byte : bytes) advertisement.feed({&byte, 1});
  return advertisement;
}

std::vector<RemoteRef> listed(const std::string& bytes, std::vector<std::string> names) {
  LsRefsAnswer answer(std::move(names));
  answer.feed(bytes);
  CHECK(answer.is_complete());
  return answer.refs();
}

std::string first_line(const std::string& capabilities) { return pkt_line(one + " HEAD" + std::string(1, '\0') + capabilities); }

}  // namespace

TEST_CASE("git's own answers are understood: version 2, and the listing of version 0") {
  const TemporaryDirectory folder;
  const GitRepository git(folder / "r.git");
  const std::string main = git.commit({{"a", {}}});
  const std::string other = git.commit({{"b", {}}}, "refs/heads/main-2");
  git.git({"tag", "-a", "-m", "m", "v1", main});
  const std::vector<std::string> names = {"HEAD", "refs/heads/main", "refs/tags/v1", "refs/heads/absent"};
  const std::vector<RemoteRef> expected = {{"HEAD", *tidemark::git::Oid::parse(main)},
                                           {"refs/heads/main", *tidemark::git::Oid::parse(main)},
                                           {"refs/tags/v1", *tidemark::git::Oid::parse(git.git_line({"rev-parse", "v1"}))}};
  auto environment = GitRepository::environment();
  const Advertisement old = advertised(run({"git", "upload-pack", "--http-backend-info-refs", git.path().string()}, {}, environment), names);
  CHECK(old.is_complete());
  CHECK_FALSE(old.is_v2());
  CHECK(old.refs() == expected);
  environment.push_back("GIT_PROTOCOL=version=2");
  const Advertisement now = advertised(run({"git", "upload-pack", "--http-backend-info-refs", git.path().string()}, {}, environment), names);
  CHECK(now.is_complete());
  CHECK(now.is_v2());
  CHECK(now.refs().empty());
  CHECK(listed(run({"git", "upload-pack", "--stateless-rpc", git.path().string()}, ls_refs_request(names), environment), names) == expected);
}

TEST_CASE("refs told to libgit2 are read back as those of a server with version 0") {
  const std::vector<RemoteRef> refs = {{"HEAD", *tidemark::git::Oid::parse(one)}, {"refs/heads/main", *tidemark::git::Oid::parse(two)}};
  const Advertisement told = advertised(v0_advertisement(refs, true));
  CHECK(told.is_complete());
  CHECK_FALSE(told.is_v2());
  CHECK(told.refs() == refs);
}

TEST_CASE("whether a server gives parts of the history is read from its capabilities") {
  const auto with_fetch = [](const std::string& features) {
    return advertised(pkt_line("version 2") + pkt_line("ls-refs") + pkt_line("fetch" + features) + "0000").can_be_shallow();
  };
  CHECK(with_fetch("=shallow wait-for-done filter"));
  CHECK(with_fetch("=filter shallow"));
  CHECK_FALSE(with_fetch(""));
  CHECK_FALSE(with_fetch("=not-shallow"));
}

TEST_CASE("the service line may come before each version, and an empty repository lists nothing") {
  const std::string service = pkt_line("# service=git-upload-pack") + "0000";
  CHECK(advertised(service + pkt_line("version 2") + pkt_line("ls-refs=unborn") + "0000").is_v2());
  CHECK(advertised(service + pkt_line("version 1") + first_line("side-band") + "0000").refs().size() == 1);
  CHECK(advertised(service + first_line("side-band") + pkt_line(two + " refs/heads/main") + "0000").refs().size() == 2);
  const Advertisement empty = advertised(service + pkt_line(std::string(40, '0') + " capabilities^{}" + std::string(1, '\0') + "agent=x") + "0000");
  CHECK(empty.is_complete());
  CHECK(empty.refs().empty());
  CHECK(advertised(service + "0000").is_complete());
}

TEST_CASE("of what a server lists only the refs that were asked for are kept, each once and by its whole name") {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += pkt_line(one + " refs/heads/v" + std::to_string(i));
  bytes += pkt_line(two + " refs/heads/v") + pkt_line(one + " refs/heads/v") + pkt_line(two + " refs/tags/v peeled:" + one) +
           pkt_line("unborn HEAD symref-target:refs/heads/x") + "0000";
  const auto refs = listed(bytes, {"refs/heads/v", "refs/tags/v"});
  REQUIRE(refs.size() == 2);
  CHECK(refs[0] == RemoteRef{"refs/heads/v", *tidemark::git::Oid::parse(two)});
  CHECK(refs[1] == RemoteRef{"refs/tags/v", *tidemark::git::Oid::parse(two)});
}

TEST_CASE("repositories with other hashes are refused by name") {
  CHECK_THROWS_WITH_AS(advertised(pkt_line("version 2") + pkt_line("ls-refs") + pkt_line("object-format=sha256")), doctest::Contains("sha256"),
                       ProtocolError);
  CHECK_THROWS_WITH_AS(advertised(first_line("side-band object-format=sha256 agent=x")), doctest::Contains("sha256"), ProtocolError);
  CHECK(advertised(first_line("object-format=sha1") + "0000").is_complete());
}

TEST_CASE("what is no listing is refused") {
  for (const std::string& bytes :
       {std::string("0000"), std::string("0001"), pkt_line("<html>"), pkt_line("version 3"), pkt_line(one), pkt_line(one + "refs/heads/main"),
        pkt_line("xyz HEAD"), pkt_line("version 2") + "0001", pkt_line("version 2") + pkt_line("agent=x") + "0000",
        pkt_line("# service=git-receive-pack"), pkt_line("ERR no such repository")}) {
    CAPTURE(bytes);
    CHECK_THROWS_AS(advertised(bytes), ProtocolError);
  }
  LsRefsAnswer answer({"HEAD"});
  CHECK_THROWS_AS(answer.feed(pkt_line("HEAD " + one)), ProtocolError);
  LsRefsAnswer delimited({"HEAD"});
  CHECK_THROWS_AS(delimited.feed("0001"), ProtocolError);
}

TEST_CASE("a listing without end is given up") {
  LsRefsAnswer answer({"HEAD"});
  std::string piece;
  while (piece.size() < 8 << 20) piece += pkt_line(one + " refs/heads/" + std::string(60000, 'x'));
  const auto feed_for_ever = [&] {
    for (int i = 0; i < 100; ++i) answer.feed(piece);
  };
  CHECK_THROWS_WITH_AS(feed_for_ever(), doctest::Contains("without end"), ProtocolError);
}

TEST_CASE("any bytes are a listing, the beginning of one, or an error") {
  std::mt19937 random(11);
  const std::string seeds[] = {pkt_line("version 2") + pkt_line("ls-refs") + "0000",
                               first_line("side-band") + pkt_line(two + " refs/heads/main") + "0000"};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = seeds[round % 2];
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      advertised(bytes);
    } catch (const ProtocolError&) {
      // as good as a listing
    }
    try {
      LsRefsAnswer answer({"HEAD"});
      answer.feed(bytes);
    } catch (const ProtocolError&) {
      // here too
    }
  }
}
