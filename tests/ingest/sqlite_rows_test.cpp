#include "ingest/sqlite/rows.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidemark::ingest::sqlite {
namespace {

using nlohmann::json;

std::vector<parser::Section> read_back(const JoinedSections& joined) {
  return split_sections(joined.anatomy, joined.headings, joined.prose, joined.code);
}

}  // namespace

TEST_CASE("sections are read back as they were joined") {
  const std::vector<parser::Section> odd{
      {.anchor = "", .level = 0, .heading = "", .breadcrumb = "", .content = "before any heading\n", .code = ""},
      {.anchor = "a-\"b\"", .level = 1, .heading = "a \"b\"", .breadcrumb = "a \"b\"", .content = "", .code = "x\n"},
      {.anchor = "計算", .level = 6, .heading = "計算", .breadcrumb = "a \"b\" > 計算\\", .content = "本文", .code = ""},
      {},
  };
  for (const auto& sections : {std::vector<parser::Section>{}, {odd[1]}, odd}) CHECK(read_back(join_sections(sections)) == sections);
}

TEST_CASE("the anatomy of sections is JSON: anchor, level, bytes of the heading, breadcrumb, bytes of prose and code") {
  CHECK(json::parse(join_sections({}).anatomy) == json::array());
  const std::vector<parser::Section> sections{{.anchor = "a", .level = 1, .heading = "A", .breadcrumb = "A", .content = "four", .code = ""},
                                              {.anchor = "é", .level = 2, .heading = "É\t", .breadcrumb = "A > É\t", .content = "", .code = "xy"}};
  CHECK(json::parse(join_sections(sections).anatomy) == json::parse(R"([["a", 1, 1, "A", 4, 0], ["é", 2, 3, "A > É\t", 0, 2]])"));
}

TEST_CASE("sections whose text is not UTF-8 make no row") {
  parser::Section section;
  section.anchor = "\xff";
  CHECK_THROWS_AS(join_sections({section}), std::invalid_argument);
}

}  // namespace tidemark::ingest::sqlite
