#include "sync/remote/ref_poll.hpp"

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
      found_ = guarded([&] { return list(names, stop); });
      knows_v2_ = true;
      return found_;
    } catch (const TransientError&) {
      if (stop.stop_requested()) throw;
    }
  }
  found_ = guarded([&] { return ask(names, stop); });
  return found_;
}

std::optional<std::string> RefPoll::as_v0() const {
  if (!knows_v2_ || found_.empty()) return std::nullopt;
  return v0_advertisement(found_, can_be_shallow_);
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
  can_be_shallow_ = advertisement.can_be_shallow();
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
