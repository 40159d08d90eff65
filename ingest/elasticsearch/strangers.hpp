// What a listing found beside our documents, by `_id`: as many as the run that follows is to delete. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "ingest/elasticsearch/listing_page.hpp"

namespace tidemark::ingest::elasticsearch {

class Strangers {
 public:
  void forget() { *this = {}; }
  void add(const std::string& id) {
    if (ids_.size() < most) {
      ids_.push_back(id);
    } else {
      more_ = true;
    }
  }
  std::vector<std::string> take() { return std::exchange(ids_, {}); }
  // Whether there were more, so that another audit has to follow. Said once.
  bool take_more() { return std::exchange(more_, false); }

 private:
  static constexpr std::size_t most = listing_page - 1;  // so that a whole page of them says that there may be more
  std::vector<std::string> ids_;
  bool more_ = false;
};

}  // namespace tidemark::ingest::elasticsearch
