#include "sync/publish/sparse_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "daemon/error.hpp"

namespace tidemark::sync {

std::shared_ptr<const SparsePatterns> SparseFile::read() {
  if (path_.empty()) return nullptr;
  const auto now = FileStamp::of(path_);
  if (!now) throw TransientError("cannot read --sparse-checkout-file " + path_ + ": " + std::generic_category().message(errno));
  if (now == stamp_) return patterns_;
  std::ifstream file(path_, std::ios::binary);
  std::string text(SparsePatterns::max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || (text.empty() && now->size > 0)) throw TransientError("cannot read --sparse-checkout-file " + path_);
  if (text.size() > SparsePatterns::max_bytes) throw TransientError("--sparse-checkout-file " + path_ + " is larger than 1 MiB");
  patterns_ = std::make_shared<const SparsePatterns>(text);
  stamp_ = now;
  return patterns_;
}

}  // namespace tidemark::sync
