// One run of the reconciler and what it has learnt so far. Private to the reconciler's files.
#pragma once

#include <memory>
#include <stop_token>

#include "ingest/reconciler.hpp"

namespace tidemark::ingest {

struct Reconciler::Attempt {
  RunRequest request;
  RunReport report;
  std::stop_token stop;
  git::Oid target;
  std::unique_ptr<git::ObjectStore> store;  // once something is looked up in it
  Facts facts;
  std::optional<Resync> adoption;  // what taking over another source's index asks for
};

}  // namespace tidemark::ingest
