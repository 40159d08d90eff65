// Recursion is bounded by max_depth; deeper nodes are skipped without recursion. Every node that is made costs of one budget, copies by aliases too.
#include "parser/yaml_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "parser/document.hpp"
#include "parser/utf8.hpp"
#include "parser/yaml_events.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_yaml_bytes = 1024 * 1024;  // of all texts, copies included

class Reader {
 public:
  Reader(std::string_view text, std::size_t first_line, Problems& problems) : events_(text), first_line_(first_line), problems_(problems) {}

  YamlResult read() {
    YamlResult result;
    while (events_.next()) {
      if (events_.event().type == YAML_STREAM_START_EVENT || events_.event().type == YAML_DOCUMENT_START_EVENT) continue;
      if (events_.event().type != YAML_DOCUMENT_END_EVENT) {
        const bool empty = events_.event().type == YAML_SCALAR_EVENT && text_of(events_.event()).empty();
        YamlNode root = node(0);
        if (!empty) result.root = std::move(root);
      }
      break;
    }
    // The rest of the stream is read only to learn whether it is YAML.
    while (events_.next()) continue;
    if (!events_.error().empty()) return {std::nullopt, fmt::format("line {}: {}", events_.error_line() + first_line_, events_.error())};
    return result;
  }

 private:
  struct Anchor {
    YamlNode node;
    std::size_t nodes, bytes, height;
  };

  // The event is the node's first one; afterwards it is its last one.
  YamlNode node(std::size_t depth) {
    const std::string anchor(anchor_of(events_.event()));
    const std::size_t nodes_before = nodes_, bytes_before = bytes_;
    deepest_ = depth;
    YamlNode made = without_anchor(depth);
    if (!anchor.empty() && events_.error().empty()) {
      // A copy is kept, so it costs as much as the node itself.
      const std::size_t nodes = nodes_ - nodes_before, bytes = bytes_ - bytes_before;
      if (spend(nodes, bytes)) anchors_.insert_or_assign(anchor, Anchor{made, nodes, bytes, deepest_ - depth});
    }
    return made;
  }

  YamlNode without_anchor(std::size_t depth) {
    YamlNode made;
    const yaml_event_type_t type = events_.event().type;
    if (!spend(1, 0)) {
      skip();
    } else if (type == YAML_ALIAS_EVENT) {
      made = alias(depth);
    } else if (type == YAML_SCALAR_EVENT) {
      made.plain = is_plain(events_.event());
      made.text = bounded(text_of(events_.event()), "value");
      if (!spend(0, made.text.size())) made.text.clear();
    } else if (depth >= max_depth) {
      once(too_deep_, fmt::format("nested deeper than {} levels: what is below is left out", max_depth));
      skip();
    } else if (type == YAML_SEQUENCE_START_EVENT) {
      made.kind = YamlNode::Kind::sequence;
      while (events_.next() && events_.event().type != YAML_SEQUENCE_END_EVENT) made.items.push_back(child(depth));
    } else if (type == YAML_MAPPING_START_EVENT) {
      mapping(made, depth);
    }
    return made;
  }

  YamlNode child(std::size_t depth) {
    const std::size_t seen = deepest_;
    YamlNode made = node(depth + 1);
    deepest_ = std::max(deepest_, seen);
    return made;
  }

  void mapping(YamlNode& made, std::size_t depth) {
    made.kind = YamlNode::Kind::mapping;
    std::unordered_map<std::string, std::size_t> places;
    while (events_.next() && events_.event().type != YAML_MAPPING_END_EVENT) {
      const std::size_t line = events_.line();
      if (events_.event().type != YAML_SCALAR_EVENT) {
        problem(line, "a key that is not a text is left out");
        skip();
        if (events_.next()) skip();
        continue;
      }
      std::string key = bounded(text_of(events_.event()), "key");
      if (!spend(0, key.size())) key.clear();
      if (!events_.next()) return;
      YamlNode value = child(depth);
      const auto [place, is_new] = places.try_emplace(key, made.keys.size());
      if (is_new) {
        made.keys.push_back(std::move(key));
        made.items.push_back(std::move(value));
      } else {
        problem(line, fmt::format("the key {} appears again: the last one counts", excerpt(key)));
        made.items[place->second] = std::move(value);
      }
    }
  }

  YamlNode alias(std::size_t depth) {
    const std::string name(name_of(events_.event().data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      problem(events_.line(), fmt::format("the alias {} has no anchor, or none within the bounds", excerpt(name)));
    } else if (depth + found->second.height > max_depth) {
      once(too_deep_, fmt::format("nested deeper than {} levels: what is below is left out", max_depth));
    } else if (spend(found->second.nodes, found->second.bytes)) {
      deepest_ = depth + found->second.height;
      return found->second.node;
    }
    return {};
  }

  // Leaves the event at the end of the node that it begins.
  void skip() {
    std::size_t open = 0;
    do {
      const yaml_event_type_t type = events_.event().type;
      if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) ++open;
      if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT) --open;
    } while (open > 0 && events_.next());
  }

  bool spend(std::size_t nodes, std::size_t bytes) {
    if (nodes_ + nodes > max_yaml_nodes || bytes_ + bytes > max_yaml_bytes) {
      once(too_large_, fmt::format("more than {} values or {} bytes, aliases included: the rest is left out", max_yaml_nodes, max_yaml_bytes));
      return false;
    }
    nodes_ += nodes;
    bytes_ += bytes;
    return true;
  }

  std::string bounded(std::string_view text, std::string_view what) {
    const std::string_view kept = utf8::prefix_of_bytes(text, max_leaf_bytes);
    if (kept.size() < text.size()) problem(events_.line(), fmt::format("a {} has more than {} bytes and was cut", what, max_leaf_bytes));
    // "\0" is the one way in which YAML can spell a NUL.
    return kept.find('\0') == std::string_view::npos ? std::string(kept) : utf8::scrub(kept).text;
  }

  static std::string_view anchor_of(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return name_of(event.data.scalar.anchor);
      case YAML_SEQUENCE_START_EVENT:
        return name_of(event.data.sequence_start.anchor);
      case YAML_MAPPING_START_EVENT:
        return name_of(event.data.mapping_start.anchor);
      default:
        return {};
    }
  }

  void problem(std::size_t line, std::string_view what) { problems_.add(fmt::format("front matter, line {}: {}", line + first_line_, what)); }
  void once(bool& said, const std::string& what) {
    if (!std::exchange(said, true)) problem(events_.line(), what);
  }

  YamlEvents events_;
  std::size_t first_line_;
  Problems& problems_;
  std::unordered_map<std::string, Anchor> anchors_;
  std::size_t nodes_ = 0, bytes_ = 0, deepest_ = 0;
  bool too_deep_ = false, too_large_ = false;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

YamlResult read_yaml_tree(std::string_view text, std::size_t first_line, Problems& problems) { return Reader(text, first_line, problems).read(); }

}  // namespace tidemark::parser
