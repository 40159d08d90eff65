// The hooks that the settings ask for, each with a queue of its own: none waits for another, and no pass for any of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/wakeup.hpp"
#include "sync/hooks/child_process.hpp"
#include "sync/hooks/exec_hook.hpp"
#include "sync/hooks/hook_queue.hpp"
#include "sync/hooks/publish_gate.hpp"
#include "sync/hooks/webhook.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

class Hooks {
 public:
  // `tree` gives where the files of a commit are.
  Hooks(const SyncSettings& settings, std::function<std::filesystem::path(const std::string& commit)> tree, Wakeup& wakeup, Metrics& metrics,
        Log& log);

  // A revision is live: the webhook and the exechook, in the background.
  void announce(const Notice& notice);
  // The live revision has new files under its name: the exechook alone, in the background.
  void tree_is_made_again(const Notice& notice);
  // For --one-time: each once, on the calling thread. Gives in words what failed, or "".
  std::string announce_once(const Notice& notice, std::stop_token stop);
  PublishGate* gate() { return gate_.get(); }  // null without a pre-publish hook

  std::vector<HookState> states() const;
  void reap_orphans() { children_.reap_orphans(); }  // as pid 1; at every pass

 private:
  ChildProcesses children_;  // before what runs some
  std::unique_ptr<PublishGate> gate_;
  std::unique_ptr<ExecHook> exec_hook_;
  std::unique_ptr<HookQueue> exec_queue_;
  std::unique_ptr<Webhook> webhook_;
};

}  // namespace tidemark::sync
