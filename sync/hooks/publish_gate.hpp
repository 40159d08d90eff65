// The pre-publish hook: a revision whose tree is made becomes live only after the hook has succeeded for it. Asking does not wait; what was approved
// is fetched by a later pass.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "daemon/wakeup.hpp"
#include "sync/hooks/exec_hook.hpp"
#include "sync/hooks/hook_queue.hpp"

namespace tidemark::sync {

// With --one-time: the pre-publish hook has failed, and there is no second try.
struct Veto : TransientError {
  using TransientError::TransientError;
};

class PublishGate {
 public:
  // `wakeup` is notified when there is something approved.
  PublishGate(ExecHook hook, Backoff backoff, Wakeup& wakeup, Metrics& metrics, Log& log);

  // The hook shall judge this revision, and again until it approves of it or another one is asked about. A newer one does not wait for the pause
  // after an older one's veto; a run under way is not broken off, and what it approves of may still be published before the newer one: else a hook
  // that is slower than pushes come would stop everything.
  void ask(const Notice& notice);
  bool is_asked(const std::string& commit) const;  // and it is the last one that was
  // What is asked about is not wanted any more, and an approval under way does not count.
  void withdraw();
  // One run on the calling thread: throws TransientError, which is the veto.
  void ask_once(const Notice& notice, std::stop_token stop) { queue_.run_once(notice, std::move(stop)); }

  std::optional<Notice> take_approved();
  // Commits whose trees the hook works in or may still be asked about.
  std::vector<std::string> held() const;
  HookState state() const { return queue_.state(); }

 private:
  void judge(const Notice& notice, std::stop_token stop);

  const ExecHook hook_;
  Wakeup& wakeup_;
  mutable std::mutex mutex_;
  std::string asked_;
  std::string running_;
  bool counts_ = true;  // nothing was withdrawn since the run began
  std::optional<Notice> approved_;
  HookQueue queue_;
};

}  // namespace tidemark::sync
