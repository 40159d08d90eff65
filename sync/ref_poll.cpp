#include "sync/ref_poll.hpp"

#include <utility>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

// Feeds what remains of the answer.
template <typename Answer>
void read_into(Answer& answer, HttpRemote& remote, const std::stop_token& stop) {
  while (!answer.is_complete()) {
    const std::string bytes = remote.read_some(stop);
    if (bytes.empty()) throw ProtocolError("the server's answer ends too early");
    answer.feed(bytes);
  }
  remote.end();
}

}  // namespace

std::vector<RemoteRef> RefPoll::find(const std::vector<std::string>& names, const std::stop_token& stop) {
  // When it fails, the server may be another one by now: it is asked again what it speaks.
  if (std::exchange(knows_v2_, false) && remote_.is_settled()) {
    try {
      auto refs = guarded([&] { return list(names, stop); });
      knows_v2_ = true;
      return refs;
    } catch (const TransientError&) {
      if (stop.stop_requested()) throw;
    }
  }
  return guarded([&] { return ask(names, stop); });
}

template <typename Work>
std::vector<RemoteRef> RefPoll::guarded(Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    remote_.end();
    remote_.forget_redirects();
    throw TransientError(error.what());
  }
}

std::vector<RemoteRef> RefPoll::ask(const std::vector<std::string>& names, const std::stop_token& stop) {
  remote_.ask_for_refs(GitProtocol::v2, stop);
  Advertisement advertisement(names);
  read_into(advertisement, remote_, stop);
  if (!advertisement.is_v2()) return advertisement.refs();
  auto refs = list(names, stop);
  knows_v2_ = true;
  return refs;
}

std::vector<RemoteRef> RefPoll::list(const std::vector<std::string>& names, const std::stop_token& stop) {
  remote_.ask_upload_pack(ls_refs_request(names), GitProtocol::v2, stop);
  LsRefsAnswer answer(names);
  read_into(answer, remote_, stop);
  return answer.refs();
}

}  // namespace tidemark::sync
