#include "sync/settings/publishing_settings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::sync {

namespace {

using Problem = std::optional<std::string>;
constexpr const char* group = "Publishing";

void declare_old_trees(Settings& options, SyncSettings& s) {
  options.add({"stale-worktree-timeout", "how long an old tree stays after it was replaced; 0s to remove it at once", group, "DURATION"}, "0s",
              [&s](std::string_view text) -> Problem {
                s.stale_timeout = parse_duration(text);
                return s.stale_timeout ? std::nullopt : Problem("not a duration such as 30s or 5m");
              });
  options.add(
      {"max-stale-worktrees", "how many old trees stay at most, whatever their age; negative for any number. Alone it is the only limit", group, "N"},
      s.max_stale_trees);
  options.check([&]() -> Problem {
    if (s.max_stale_trees > 0 && !options.was_set("stale-worktree-timeout")) s.stale_timeout.reset();
    return {};
  });
}

void declare_checkout(Settings& options, SyncSettings& s) {
  options.add({"checkout",
               "what a published tree holds: full (its files), sparse (some, default with --sparse-checkout-file), none (consumers read "
               "the repository)",
               group, "full|sparse|none"},
              "full", [&s](std::string_view text) -> Problem {
                if (text != "full" && text != "sparse" && text != "none") return "not one of full, sparse, none";
                s.checkout = text == "full" ? Checkout::full : text == "sparse" ? Checkout::sparse : Checkout::none;
                return {};
              });
  options.add(
      {"sparse-checkout-file", "file of patterns, as of git's sparse checkouts that are not in cone mode: the files to publish", group, "PATH"},
      s.sparse_file);
  options.check([&]() -> Problem {
    if (s.sparse_file.empty()) return s.checkout == Checkout::sparse ? Problem("--checkout=sparse needs --sparse-checkout-file") : std::nullopt;
    if (options.was_set("checkout") && s.checkout != Checkout::sparse)
      return "--sparse-checkout-file and another --checkout than sparse exclude each other";
    s.checkout = Checkout::sparse;
    return {};
  });
}

// Whoever writes to a file writes to all trees that share it.
void declare_files(Settings& options, SyncSettings& s) {
  options.add({"group-write", "let the group write to what is made: umask 0002 instead of 0022", group}, s.group_write);
  options.add({"share-files",
               "whether unchanged files are hard links to those of the tree before: always, never, or auto: unless --group-write or a "
               "program as a hook lets somebody write to them",
               group, "auto|always|never"},
              "auto", [&s](std::string_view text) -> Problem {
                if (text != "auto" && text != "always" && text != "never") return "not one of auto, always, never";
                s.share_files = text;
                return {};
              });
  options.check([&]() -> Problem {
    const bool may_be_written = s.group_write || !s.exechook_command.empty() || !s.pre_publish_command.empty();
    s.hard_links = s.share_files == "always" || (s.share_files == "auto" && !may_be_written);
    return {};
  });
}

// A program that runs in a tree may write to its files: then only whoever asks for it has them put back.
void declare_sweep(Settings& options, SyncSettings& s) {
  options.add({"sweep-period", "how often the live tree's files are looked through, and repaired; 0s for never (default with a program as a hook)",
               group, "DURATION"},
              "10m", [&s](std::string_view text) -> Problem {
                const auto period = parse_duration(text);
                if (!period) return "not a duration such as 30s or 5m";
                s.sweep_period = *period;
                return {};
              });
  options.check([&]() -> Problem {
    const bool any_program = !s.exechook_command.empty() || !s.pre_publish_command.empty();
    if (any_program && !options.was_set("sweep-period")) s.sweep_period = Duration(0);
    return {};
  });
}

}  // namespace

void declare_publishing(Settings& options, SyncSettings& s) {
  options.add({"root", "folder to work in; holds the repository and the published trees", group, "PATH"}, s.root);
  options.add({"link", "symbolic link to the published tree, absolute or below --root (default: the last segment of --repo)", group, "PATH"}, s.link);
  declare_checkout(options, s);
  declare_files(options, s);
  declare_sweep(options, s);
  declare_old_trees(options, s);
  options.add({"error-file", "file for the last error as JSON, absolute or below --root; removed by a success", group, "PATH"}, s.error_file);
  options.add({"touch-file", "file to touch whenever something new is published, absolute or below --root", group, "PATH"}, s.touch_file);
}

TreeSettings tree_settings(const SyncSettings& settings) {
  TreeSettings trees;
  trees.checkout = settings.checkout;
  trees.sparse_file = settings.sparse_file;
  trees.sharing = settings.hard_links ? Sharing::hard_links : Sharing::blocks;
  trees.mask = settings.group_write ? 0002 : 0022;
  trees.retention.time = settings.stale_timeout;
  if (settings.max_stale_trees >= 0) trees.retention.number = static_cast<std::size_t>(settings.max_stale_trees);
  return trees;
}

}  // namespace tidemark::sync
