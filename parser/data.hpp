// Data files, JSON and YAML: their values in order as text, cut into sections at entries. Memory is bounded by the text that comes out.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "parser/document.hpp"
#include "parser/outline.hpp"
#include "parser/problems.hpp"
#include "parser/slug.hpp"

namespace tidemark::parser {

inline constexpr std::size_t data_section_bytes = 16 * 1024;  // aimed at; a single value may be longer
inline constexpr std::size_t max_data_depth = 1'000;
inline constexpr std::size_t max_key_bytes_kept = 1024 * 1024;  // of the distinct keys of one file

struct DataBody {
  std::string title;  // of the file: a text under "title" or "name" at the top
  std::vector<Section> sections;
};

// Takes the values of one file in their order. An entry is an element of the outermost list, a member of the outermost mapping, or an element of a
// list that is such a member.
class DataCollector {
 public:
  explicit DataCollector(Problems& problems) : problems_(problems), outline_(problems) {}

  void begin_mapping() { begin(true); }
  void begin_list() { begin(false); }
  void end();  // of the innermost mapping or list
  void key(std::string_view name);
  void text(std::string_view value) { leaf(value, true); }
  void other(std::string_view value) { leaf(value, false); }  // a number or a boolean
  void nothing();                                             // null
  std::size_t depth() const { return levels_.size() + skipped_levels_; }
  void drop_to(std::size_t depth);  // gives up the innermost, unfinished values
  DataBody finish();

 private:
  struct Level {
    bool mapping;
    bool entries;           // are its values entries?
    std::size_t index = 0;  // of its next value, in a list
    std::string key{};      // of its next value, in a mapping
  };
  struct Part {
    std::string anchor{}, heading{}, text{}, keys{};
    bool empty() const { return text.empty() && keys.empty(); }
  };

  void begin(bool mapping);
  void leaf(std::string_view value, bool is_text);
  void value_begins();
  void value_ended();
  void note_name(std::string_view value);
  void keep_key(std::string_view name);
  std::string pointer() const;  // RFC 6901, of the value that begins
  void end_entry();             // what was collected becomes part of the section
  void end_section();

  Problems& problems_;
  Outline outline_;
  Slugs anchors_;
  DataBody result_;
  std::vector<Level> levels_;
  std::size_t skipped_levels_ = 0;
  Part section_, entry_;
  bool entry_has_title_ = false, file_has_title_ = false;  // a "title" beats a "name"
  bool too_deep_ = false, too_many_keys_ = false;
  std::unordered_set<std::string> keys_;
  std::size_t key_bytes_ = 0;
};

DataBody read_json(std::string_view text, Problems& problems);
DataBody read_json_lines(std::string_view text, Problems& problems);
DataBody read_yaml(std::string_view text, Problems& problems);

// What is left of a file that is not what its name says: its text, as it stands.
DataBody as_raw_text(std::string_view text, Problems& problems);

}  // namespace tidemark::parser
