#include "ingest/document.hpp"

namespace tidemark::ingest {

std::int64_t Document::bytes() const {
  std::size_t sum = sizeof(Document) + key.path.size() + key.fragment.size() + content.title.size() + content.description.size() + content.url.size() +
                    content.id.size() + content.front_matter.size();
  for (const std::string& tag : content.tags) sum += sizeof tag + tag.size();
  for (const std::string& problem : content.problems) sum += sizeof problem + problem.size();
  for (const parser::Section& section : content.sections) {
    sum += sizeof section + section.anchor.size() + section.heading.size() + section.breadcrumb.size() + section.content.size() + section.code.size();
  }
  return static_cast<std::int64_t>(sum);
}

const DocumentKey& key_of(const Operation& operation) {
  return std::visit([](const auto& each) -> const DocumentKey& { return each.key; }, operation);
}

std::string_view name_of(parser::Kind kind) { return kind == parser::Kind::page ? "page" : "data"; }

}  // namespace tidemark::ingest
