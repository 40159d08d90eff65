// Expected bytes of other encodings are from Python's codecs.
#include "parser/parsed.hpp"

namespace tidemark::parser {
namespace {

constexpr std::string_view japanese = "日本語の文章です。計算機とプログラム。\n";
constexpr std::string_view in_cp932 =
    "\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x95\xb6\x8f\xcd\x82\xc5\x82\xb7\x81\x42\x8c\x76\x8e\x5a\x8b\x40\x82\xc6\x83\x76\x83\x8d\x83\x4f\x83\x89\x83\x80"
    "\x81\x42\x0a";
constexpr std::string_view in_euc_jp =
    "\xc6\xfc\xcb\xdc\xb8\xec\xa4\xce\xca\xb8\xbe\xcf\xa4\xc7\xa4\xb9\xa1\xa3\xb7\xd7\xbb\xbb\xb5\xa1\xa4\xc8\xa5\xd7\xa5\xed\xa5\xb0\xa5\xe9\xa5\xe0"
    "\xa1\xa3\x0a";
constexpr std::string_view in_iso_2022_jp =
    "\x1b\x24\x42\x46\x7c\x4b\x5c\x38\x6c\x24\x4e\x4a\x38\x3e\x4f\x24\x47\x24\x39\x21\x23\x37\x57\x3b\x3b\x35\x21\x24\x48\x25\x57\x25\x6d\x25\x30\x25"
    "\x69\x25\x60\x21\x23\x1b"
    "\x28\x42\x0a";
constexpr std::string_view in_utf_16_le(
    "\xe5\x65\x2c\x67\x9e\x8a\x6e\x30\x87\x65\xe0\x7a\x67\x30\x59\x30\x02\x30\x08\x8a\x97\x7b\x5f\x6a\x68\x30\xd7\x30\xed\x30\xb0\x30\xe9\x30\xe0\x30"
    "\x02\x30\x0a\x00",
    40);
constexpr std::string_view in_utf_16_be(
    "\x65\xe5\x67\x2c\x8a\x9e\x30\x6e\x65\x87\x7a\xe0\x30\x67\x30\x59\x30\x02\x8a\x08\x7b\x97\x6a\x5f\x30\x68\x30\xd7\x30\xed\x30\xb0\x30\xe9\x30\xe0"
    "\x30\x02\x00\x0a",
    40);
constexpr std::string_view bom = "\xEF\xBB\xBF";

std::string content_of(std::string_view bytes) {
  const Document document = page(bytes);
  REQUIRE(document.sections.size() == 1);
  CHECK(document.problems.empty());
  return document.sections[0].content;
}
std::string joined(std::string_view a, std::string_view b) { return std::string(a) + std::string(b); }

}  // namespace

TEST_CASE("edge case 55: Shift_JIS, EUC-JP and ISO-2022-JP are recognised") {
  CHECK(content_of(in_cp932) == japanese);
  CHECK(content_of(in_euc_jp) == japanese);
  CHECK(content_of(in_iso_2022_jp) == japanese);
}

TEST_CASE("Korean, Chinese and Russian legacy encodings are recognised") {
  CHECK(content_of("\xc7\xd1\xb1\xb9\xbe\xee\x20\xb9\xae\xc0\xe5\xc0\xd4\xb4\xcf\xb4\xd9\x2e\x20\xb0\xcb\xbb\xf6\x20\xbf\xa3\xc1\xf8\xb0\xfa\x20\xb9"
                   "\xae\xbc\xad\x2e\x0a") == "한국어 문장입니다. 검색 엔진과 문서.\n");
  CHECK(content_of("\xd5\xe2\xca\xc7\xd2\xbb\xb8\xf6\xd6\xd0\xce\xc4\xbe\xe4\xd7\xd3\xa3\xac\xcb\xd1\xcb\xf7\xd2\xfd\xc7\xe6\xba\xcd\xce\xc4\xb5\xb5"
                   "\xa1\xa3\x0a") == "这是一个中文句子，搜索引擎和文档。\n");
  CHECK(content_of("\xfc\xd4\xcf\x20\xd2\xd5\xd3\xd3\xcb\xc9\xca\x20\xd4\xc5\xcb\xd3\xd4\x20\xc4\xcc\xd1\x20\xd0\xd2\xcf\xd7\xc5\xd2\xcb\xc9\x20\xcb"
                   "\xcf\xc4\xc9\xd2\xcf\xd7\xcb"
                   "\xc9\x2e\x0a") == "Это русский текст для проверки кодировки.\n");
}

TEST_CASE("edge case 55: UTF-16 of both byte orders by its mark") {
  CHECK(content_of(joined("\xFF\xFE", in_utf_16_le)) == japanese);
  CHECK(content_of(joined("\xFE\xFF", in_utf_16_be)) == japanese);
  CHECK(content_of(std::string_view("\xFF\xFE\x3D\xD8\x00\xDE", 6)) == "😀\n");
}

TEST_CASE("edge case 55: UTF-16 without a mark has NUL bytes and is skipped as binary") {
  CHECK(reason("a.md", in_utf_16_le) == "binary: a NUL byte at offset 39");
  CHECK(reason("a.md", std::string_view("a\0b\0", 4)) == "binary: a NUL byte at offset 1");
}

TEST_CASE("edge case 55: a lone surrogate in UTF-16 becomes U+FFFD and a problem") {
  for (const std::string_view bytes : {std::string_view("\xFF\xFE\x00\xD8\x61\x00", 6), std::string_view("\xFF\xFE\x00\xDC\x61\x00", 6)}) {
    const Document document = page(bytes);
    REQUIRE(document.sections.size() == 1);
    CHECK(document.sections[0].content ==
          "\xEF\xBF\xBD"
          "a\n");
    CHECK(document.problems.size() == 1);
  }
  CHECK(page("\xFF\xFE\x61").problems.size() == 1);
}

TEST_CASE("edge case 55: a UTF-8 byte order mark before --- does not hide the front matter") {
  const Document document = page(joined(bom, "---\ntitle: A\n---\nB\n"));
  CHECK(document.title == "A");
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].content == "B\n");
  CHECK(parsed("a.json", joined(bom, R"({"title": "T"})")).title == "T");
  CHECK(parsed("a.yaml", joined(bom, "title: T")).title == "T");
}

TEST_CASE("edge case 55: CRLF and lone CR make the same document as LF") {
  const std::string lf = "---\ntitle: A\ntags: [b, c]\n---\n# H\n\ntext\nmore\n\n```\ncode\n  x\n```\n\nSetext\n===\n";
  const Document expected = page(lf);
  CHECK(expected.sections.size() == 2);
  std::string crlf, cr;
  for (const char c : lf) {
    crlf += c == '\n' ? "\r\n" : std::string(1, c);
    cr += c == '\n' ? '\r' : c;
  }
  CHECK(page(crlf) == expected);
  CHECK(page(cr) == expected);
}

TEST_CASE("edge case 55: NUL in a text means binary, with its offset") {
  CHECK(reason("a.md", std::string_view("# Hello\0", 8)) == "binary: a NUL byte at offset 7");
  CHECK(reason("a.json", std::string_view("\0{}", 3)) == "binary: a NUL byte at offset 0");
  CHECK(reason("a.yml", std::string_view("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)).starts_with("binary: "));
  CHECK(reason("a.md", std::string_view("\xFF\xFE\x61\x00\x00\x00", 6)).starts_with("binary: "));
}

TEST_CASE("bytes in no encoding are binary even without NUL") {
  std::string noise;
  for (unsigned i = 1, x = 12345; i < 4000; ++i) {
    x = x * 1103515245 + 12345;
    noise.push_back(static_cast<char>((x >> 16) % 255 + 1));
  }
  CHECK(reason("a.md", noise).starts_with("binary: "));
}

TEST_CASE("a damaged place in UTF-8 text costs only itself") {
  std::string text;
  for (int i = 0; i < 50; ++i) text += japanese;
  text += "end\xE3\x81 of text\n";
  const Document document = page(text);
  REQUIRE(document.problems.size() == 1);
  CHECK(document.problems[0].find("U+FFFD") != std::string::npos);
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].content.find("end\xEF\xBF\xBD of text") != std::string::npos);
}

TEST_CASE("overlong forms, surrogates and code points beyond Unicode are not UTF-8") {
  const std::string good(1000, 'a');
  std::string many;
  for (int i = 0; i < 200; ++i) many += "é";
  for (const std::string_view bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80", "\xFF"}) {
    const Document document = page(many + std::string(bad.substr(0, 2)) + "z");
    CHECK(document.problems.size() == 1);
    CHECK(document.sections[0].content.find(bad.substr(0, 2)) == std::string::npos);
  }
}

}  // namespace tidemark::parser
