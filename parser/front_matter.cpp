#include "parser/front_matter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "parser/date.hpp"
#include "parser/outline.hpp"
#include "parser/yaml_events.hpp"
#include "parser/yaml_recovery.hpp"
#include "parser/yaml_tree.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t first_line = 2;  // of the front matter in its file

nlohmann::json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::sequence: {
      auto array = nlohmann::json::array();
      for (const YamlNode& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case YamlNode::Kind::mapping: {
      auto object = nlohmann::json::object();
      for (std::size_t i = 0; i < node.keys.size(); ++i) object[node.keys[i]] = to_json(node.items[i]);
      return object;
    }
    case YamlNode::Kind::scalar:
      break;
  }
  switch (resolve(node.text, node.plain)) {
    case Scalar::null:
      return nullptr;
    case Scalar::boolean_true:
      return true;
    case Scalar::boolean_false:
      return false;
    case Scalar::integer:
      return std::stoll(node.text);
    case Scalar::text:
      break;
  }
  return node.text;
}

// Takes the known keys out of the mapping.
class Fields {
 public:
  Fields(YamlNode& root, Problems& problems) : root_(root), problems_(problems) {}

  // The first of the keys that has a text, number or boolean, as written.
  std::optional<std::string> text(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      const YamlNode* node = root_.find(key);
      if (node == nullptr) continue;
      if (node->kind != YamlNode::Kind::scalar) {
        problems_.add(fmt::format("front matter: {} is a list or a mapping where a text is expected", key));
      } else if (resolve(node->text, node->plain) == Scalar::null || trimmed(node->text).empty()) {
        remove(key);
      } else {
        std::string value(trimmed(node->text));
        remove(key);
        return value;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> date(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      const YamlNode* node = root_.find(key);
      if (node == nullptr || node->kind != YamlNode::Kind::scalar) continue;
      const Scalar kind = resolve(node->text, node->plain);
      if (kind == Scalar::null || kind == Scalar::boolean_true || kind == Scalar::boolean_false) continue;  // `published: true`
      if (std::optional<std::string> date = read_date(node->text)) {
        remove(key);
        return date;
      }
      problems_.add(fmt::format("front matter: {} is not a date in a known spelling: {}", key, excerpt(node->text)));
    }
    return std::nullopt;
  }

  std::vector<std::string> list(std::initializer_list<std::string_view> keys) {
    std::vector<std::string> values;
    for (const std::string_view key : keys) {
      const YamlNode* node = root_.find(key);
      if (node == nullptr) continue;
      if (node->kind == YamlNode::Kind::mapping) {
        problems_.add(fmt::format("front matter: {} is a mapping where a list is expected", key));
        continue;
      }
      if (node->kind == YamlNode::Kind::scalar) {
        add_separated(values, *node);
      } else {
        for (const YamlNode& item : node->items) {
          if (item.kind == YamlNode::Kind::scalar && resolve(item.text, item.plain) != Scalar::null) add(values, item.text);
        }
      }
      remove(key);
    }
    return values;
  }

  // `draft: true`, or Jekyll's `published: false`. YAML 1.1 wrote yes and on, too.
  bool draft() {
    bool result = false;
    if (const auto value = text({"draft"}))
      result = *value == "true" || *value == "True" || *value == "TRUE" || *value == "yes" || *value == "on" || *value == "1";
    const YamlNode* published = root_.find("published");
    return result ||
           (published != nullptr && published->kind == YamlNode::Kind::scalar && resolve(published->text, published->plain) == Scalar::boolean_false);
  }

 private:
  static void add(std::vector<std::string>& values, std::string_view value) {
    value = trimmed(value);
    if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end()) values.emplace_back(value);
  }

  static void add_separated(std::vector<std::string>& values, const YamlNode& node) {
    if (resolve(node.text, node.plain) == Scalar::null) return;
    std::string_view rest = node.text;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      add(values, rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }

  void remove(std::string_view key) {
    const auto found = std::find(root_.keys.begin(), root_.keys.end(), key);
    root_.items.erase(root_.items.begin() + (found - root_.keys.begin()));
    root_.keys.erase(found);
  }

  YamlNode& root_;
  Problems& problems_;
};

void take_fields(YamlNode& root, Document& document, Problems& problems) {
  Fields fields(root, problems);
  document.title = fields.text({"title"}).value_or("");
  document.description = fields.text({"description", "summary"}).value_or("");
  document.lang = fields.text({"lang", "language"}).value_or("");
  document.tags = fields.list({"tags", "tag", "keywords", "categories"});
  document.draft = fields.draft();
  document.date = fields.date({"date", "published", "created"});
  document.url = fields.text({"url", "permalink"}).value_or("");
  document.id = fields.text({"id"}).value_or("");
  document.front_matter = to_json(root).dump();
}

bool is_fence(std::string_view line, bool closing) {
  const std::string_view kept = line.substr(0, line.find_last_not_of(" \t") + 1);
  return kept == "---" || (closing && kept == "...");
}

}  // namespace

Page split_page(std::string_view text) {
  const Page none{{}, text, false};
  std::size_t at = text.find('\n');
  if (at == std::string_view::npos || !is_fence(text.substr(0, at), false)) return none;
  const std::size_t begin = ++at;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (is_fence(text.substr(at, end - at), true)) return {text.substr(begin, at - begin), text.substr(std::min(end + 1, text.size())), true};
    at = end + 1;
  }
  return none;
}

bool read_front_matter(std::string_view text, Document& document, Problems& problems) {
  std::optional<YamlNode> root;
  if (text.size() > max_front_matter_bytes) {
    if (!looks_like_keys(text)) return false;
    problems.add(fmt::format("front matter: more than {} bytes; not read", max_front_matter_bytes));
    return true;
  }
  Problems found;
  YamlResult result = read_yaml_tree(text, first_line, found);
  if (!result.error.empty()) {
    if (!looks_like_keys(text)) return false;
    problems.add("front matter, " + result.error + "; read key by key");
    root = recover_keys(text, first_line, problems);
  } else if (!result.root) {
    return true;
  } else {
    if (result.root->kind != YamlNode::Kind::mapping) return false;
    root = std::move(result.root);
    for (std::string& problem : found.take()) problems.add(std::move(problem));
  }
  take_fields(*root, document, problems);
  return true;
}

}  // namespace tidemark::parser
