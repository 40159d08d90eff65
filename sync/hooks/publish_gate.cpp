#include "sync/hooks/publish_gate.hpp"

#include <utility>

namespace tidemark::sync {

PublishGate::PublishGate(ExecHook hook, Backoff backoff, Wakeup& wakeup, Metrics& metrics, Log& log)
    : hook_(std::move(hook)),
      wakeup_(wakeup),
      queue_("pre-publish-exechook", backoff, [this](const Notice& notice, std::stop_token stop) { judge(notice, std::move(stop)); }, metrics, log) {}

void PublishGate::ask(const Notice& notice) {
  {
    const std::lock_guard lock(mutex_);
    asked_ = notice.commit;
    approved_.reset();
  }
  queue_.send(notice);
}

bool PublishGate::is_asked(const std::string& commit) const {
  const std::lock_guard lock(mutex_);
  return asked_ == commit;
}

void PublishGate::withdraw() {
  {
    const std::lock_guard lock(mutex_);
    if (asked_.empty() && !approved_) return;
    asked_.clear();
    approved_.reset();
    counts_ = false;
  }
  queue_.withdraw();
}

void PublishGate::judge(const Notice& notice, std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    running_ = notice.commit;
    counts_ = true;
  }
  try {
    hook_.run(notice, std::move(stop));
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    running_.clear();
    throw;
  }
  {
    const std::lock_guard lock(mutex_);
    running_.clear();
    if (counts_) approved_ = notice;
  }
  wakeup_.notify();
}

std::optional<Notice> PublishGate::take_approved() {
  const std::lock_guard lock(mutex_);
  auto approved = std::exchange(approved_, std::nullopt);
  if (approved && approved->commit == asked_) asked_.clear();
  return approved;
}

std::vector<std::string> PublishGate::held() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> commits;
  for (const auto& commit : {asked_, running_, approved_ ? approved_->commit : std::string()})
    if (!commit.empty()) commits.push_back(commit);
  return commits;
}

}  // namespace tidemark::sync
