// What one file becomes: a pure function of its path, its bytes and the parser's settings. All text is valid UTF-8 without NUL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::parser {

// Raise it whenever the same bytes would become another document: every document is then parsed again.
inline constexpr int version = 1;

// Bounds of a document: what is over them is cut, and a problem says so. They keep every engine able to take the document.
inline constexpr std::size_t max_sections = 5'000;
inline constexpr std::size_t max_field_characters = 900'000;  // of one section's content, code points
inline constexpr std::size_t max_leaf_bytes = 8 * 1024;       // of one front matter key or value
inline constexpr std::size_t max_depth = 16;                  // of front matter
inline constexpr std::size_t max_front_matter_bytes = 256 * 1024;
inline constexpr std::size_t max_problems = 20;

enum class Kind { page, data };  // Markdown, or JSON and YAML

// One heading's part of a page (or one part of a data file): from the heading to the next one of any level.
struct Section {
  std::string anchor;      // GitHub's slug of the heading, made unique by "-1", "-2"; empty before the first heading
  int level = 0;           // 1 to 6; 0 before the first heading
  std::string heading;     // plain text
  std::string breadcrumb;  // the headings above it and its own, joined by " > "
  std::string content;     // prose as plain text: link texts, image alternatives, table cells; blocks end with a newline
  std::string code;        // code blocks, in order (inline code is prose)
  bool operator==(const Section&) const = default;
};

struct Document {
  Kind kind = Kind::page;
  std::string title;                // front matter's, else the first level-1 heading, else the file's name without its extension
  std::string description;          // front matter's description or summary, else the first paragraph, at most 300 characters
  std::string lang;                 // front matter's lang or language, else by script: "ja", "ko", "zh", "en", "" when unclear
  std::vector<std::string> tags;    // front matter's tags, tag, keywords or categories: a list or a comma-separated text
  std::optional<std::string> date;  // RFC 3339, UTC ("2019-09-27T00:00:00Z"), from date, published or created in the common spellings
  bool draft = false;
  std::string url;                    // front matter's url or permalink
  std::string id;                     // front matter's
  std::string front_matter = "{}";    // the rest, a JSON object, bounded; nothing in it has a type that depends on the YAML parser
  std::vector<std::string> problems;  // what did not parse, in words: "front matter, line 3: ..."
  std::vector<Section> sections;
  bool operator==(const Document&) const = default;
};

}  // namespace tidemark::parser
