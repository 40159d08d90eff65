// How long the stages of a run take.
#pragma once

#include <chrono>

#include "ingest/run.hpp"

namespace tidemark::ingest {

// Adds the time until it goes to one stage of the report.
class Stage {
 public:
  Stage(RunReport& report, const char* name) : seconds_(report.seconds[name]) {}
  ~Stage() { seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace tidemark::ingest
