#include "parser/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "parser/data.hpp"
#include "parser/front_matter.hpp"
#include "parser/language.hpp"
#include "parser/markdown.hpp"
#include "parser/text.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024 * 1024;  // what md4c's 32-bit offsets and a container's memory leave room for

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string lower_extension(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string extension(name.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

std::string title_from(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  return utf8::scrub(dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot)).text;
}

void read_page(std::string_view text, Document& document, Problems& problems) {
  Page page = split_page(text);
  if (page.has_front_matter && !read_front_matter(page.front_matter, document, problems)) page.body = text;
  MarkdownBody body = read_markdown(page.body, problems);
  if (document.title.empty()) document.title = std::move(body.first_heading);
  if (document.description.empty()) document.description = std::move(body.first_paragraph);
  document.sections = std::move(body.sections);
}

void read_data(DataBody body, Document& document) {
  document.title = std::move(body.title);
  document.sections = std::move(body.sections);
}

bool is_json_lines(std::string_view path) {
  const std::string extension = lower_extension(path);
  return extension == "jsonl" || extension == "ndjson";
}

}  // namespace

std::optional<Format> format_of(std::string_view path) {
  const std::string extension = lower_extension(path);
  for (const std::string_view known : {"md", "markdown", "mdown", "mkd", "mdx"}) {
    if (extension == known) return Format::markdown;
  }
  for (const std::string_view known : {"json", "jsonl", "ndjson", "geojson", "webmanifest"}) {
    if (extension == known) return Format::json;
  }
  for (const std::string_view known : {"yaml", "yml"}) {
    if (extension == known) return Format::yaml;
  }
  return std::nullopt;
}

std::variant<Document, Skipped> parse(std::string_view path, std::string_view bytes) {
  const std::optional<Format> format = format_of(path);
  if (!format) return Skipped{"neither Markdown nor JSON or YAML by its name"};
  if (bytes.size() > max_file_bytes) return Skipped{fmt::format("larger than {} bytes", max_file_bytes)};
  Problems problems;
  std::variant<Text, Skipped> decoded = decode_text(bytes, problems);
  if (auto* skipped = std::get_if<Skipped>(&decoded)) return std::move(*skipped);
  const std::string_view text = std::get<Text>(decoded).view();

  Document document;
  document.kind = *format == Format::markdown ? Kind::page : Kind::data;
  switch (*format) {
    case Format::markdown:
      read_page(text, document, problems);
      break;
    case Format::json:
      read_data(is_json_lines(path) ? read_json_lines(text, problems) : read_json(text, problems), document);
      break;
    case Format::yaml:
      read_data(read_yaml(text, problems), document);
      break;
  }
  if (document.title.empty()) document.title = title_from(path);
  if (document.lang.empty()) document.lang = guess_language(document.sections);
  document.problems = problems.take();
  return document;
}

}  // namespace tidemark::parser
