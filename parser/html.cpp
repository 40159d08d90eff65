#include "parser/html.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <utility>

#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

// The names that people write in Markdown; the whole list of HTML has 2,231.
constexpr std::pair<std::string_view, char32_t> named[] = {
    {"AMP", '&'},      {"GT", '>'},       {"LT", '<'},        {"QUOT", '"'},     {"alpha", 0x3B1},  {"amp", '&'},       {"apos", '\''},
    {"asymp", 0x2248}, {"auml", 0xE4},    {"beta", 0x3B2},    {"bull", 0x2022},  {"ccedil", 0xE7},  {"cent", 0xA2},     {"check", 0x2713},
    {"copy", 0xA9},    {"darr", 0x2193},  {"deg", 0xB0},      {"delta", 0x3B4},  {"divide", 0xF7},  {"eacute", 0xE9},   {"egrave", 0xE8},
    {"emsp", 0x2003},  {"ensp", 0x2002},  {"epsilon", 0x3B5}, {"equals", '='},   {"euro", 0x20AC},  {"excl", '!'},      {"forall", 0x2200},
    {"frac12", 0xBD},  {"gamma", 0x3B3},  {"ge", 0x2265},     {"gt", '>'},       {"harr", 0x2194},  {"hearts", 0x2665}, {"hellip", 0x2026},
    {"infin", 0x221E}, {"lambda", 0x3BB}, {"laquo", 0xAB},    {"larr", 0x2190},  {"lbrace", '{'},   {"lbrack", '['},    {"ldquo", 0x201C},
    {"le", 0x2264},    {"lpar", '('},     {"lsquo", 0x2018},  {"lt", '<'},       {"mdash", 0x2014}, {"micro", 0xB5},    {"middot", 0xB7},
    {"minus", 0x2212}, {"mu", 0x3BC},     {"nbsp", ' '},      {"ndash", 0x2013}, {"ne", 0x2260},    {"num", '#'},       {"omega", 0x3C9},
    {"ouml", 0xF6},    {"para", 0xB6},    {"pi", 0x3C0},      {"plusmn", 0xB1},  {"pound", 0xA3},   {"quot", '"'},      {"raquo", 0xBB},
    {"rarr", 0x2192},  {"rbrace", '}'},   {"rbrack", ']'},    {"rdquo", 0x201D}, {"reg", 0xAE},     {"rpar", ')'},      {"rsquo", 0x2019},
    {"sect", 0xA7},    {"shy", 0xAD},     {"sigma", 0x3C3},   {"sum", 0x2211},   {"szlig", 0xDF},   {"theta", 0x3B8},   {"thinsp", 0x2009},
    {"times", 0xD7},   {"trade", 0x2122}, {"uarr", 0x2191},   {"uuml", 0xFC},    {"vert", '|'},     {"yen", 0xA5},      {"zwj", 0x200D},
    {"zwnj", 0x200C},
};

static_assert(std::is_sorted(std::begin(named), std::end(named), [](const auto& a, const auto& b) { return a.first < b.first; }));

// Tags inside a line: they leave no gap between the words around them.
constexpr std::string_view inline_tags[] = {"a",    "abbr",   "b",      "bdi", "bdo",  "cite", "code", "data", "del", "dfn",  "em",
                                            "font", "i",      "ins",    "kbd", "mark", "q",    "rb",   "ruby", "s",   "samp", "small",
                                            "span", "strike", "strong", "sub", "sup",  "time", "tt",   "u",    "var", "wbr"};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// "<Div class=x>" -> "div"; "</b>" -> "b".
std::string tag_name(std::string_view tag) {
  tag.remove_prefix(tag.starts_with("</") ? 2 : 1);
  const auto end = std::find_if(tag.begin(), tag.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-'; });
  return lower(tag.substr(0, static_cast<std::size_t>(end - tag.begin())));
}

// The tag that begins at `at`, quoted attribute values respected, or just "<" when it is none.
std::string_view tag_at(std::string_view html, std::size_t at) {
  const std::size_t name = at + 1 < html.size() && html[at + 1] == '/' ? at + 2 : at + 1;
  const auto first = name < html.size() ? static_cast<unsigned char>(html[name]) : 0;
  if (!std::isalpha(first) && first != '!' && first != '?') return html.substr(at, 1);
  char quote = 0;
  for (std::size_t i = name; i < html.size(); ++i) {
    const char c = html[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      return html.substr(at, i + 1 - at);
    } else if ((c == '"' || c == '\'') && html[i - 1] == '=') {
      quote = c;
    }
  }
  return html.substr(at);  // never closed
}

std::size_t after(std::string_view html, std::string_view what, std::size_t at) {
  const std::size_t found = html.find(what, at);
  return found == std::string_view::npos ? html.size() : found + what.size();
}

// The end of a script's or style's content: where its closing tag begins.
std::size_t end_of_raw_text(std::string_view html, std::string_view name, std::size_t at) {
  for (std::size_t i = html.find("</", at); i != std::string_view::npos; i = html.find("</", i + 2)) {
    if (lower(html.substr(i + 2, name.size())) == name) return i;
  }
  return html.size();
}

void append_collapsed(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t') {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ' && out.back() != '\n') {
      out.push_back(' ');
    }
  }
}

void end_html_line(std::string& out) {
  while (out.ends_with(' ')) out.pop_back();
  if (!out.empty() && out.back() != '\n') out.push_back('\n');
}

// White space collapses as in a browser.
void append_text(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t reference = std::min(text.find('&', at), text.size());
    append_collapsed(out, text.substr(at, reference - at));
    if (reference == text.size()) return;
    const std::size_t end = text.substr(0, reference + 50).find(';', reference);
    if (end == std::string_view::npos) {
      out.push_back('&');
      at = reference + 1;
    } else {
      append_entity(out, text.substr(reference, end + 1 - reference));
      at = end + 1;
    }
  }
}

void append_alternative(std::string& out, std::string_view tag) {
  const std::size_t at = lower(tag.substr(0, 4096)).find(" alt=");
  if (at == std::string::npos || at + 6 >= tag.size()) return;
  const char quote = tag[at + 5];
  if (quote != '"' && quote != '\'') return;
  append_text(out, tag.substr(at + 6, tag.find(quote, at + 6) - at - 6));
}

}  // namespace

void append_entity(std::string& out, std::string_view entity) {
  const std::string_view name = entity.substr(1, entity.size() - 2);
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::string_view digits = name.substr(hex ? 2 : 1);
    std::uint32_t code_point = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code_point, hex ? 16 : 10);
    if (!digits.empty() && parsed.ptr == digits.data() + digits.size()) {
      utf8::append(out, parsed.ec == std::errc() ? code_point : utf8::replacement);
      return;
    }
  }
  const auto* found =
      std::lower_bound(std::begin(named), std::end(named), name, [](const auto& one, std::string_view wanted) { return one.first < wanted; });
  if (found != std::end(named) && found->first == name) {
    utf8::append(out, found->second);
  } else {
    out.append(entity);
  }
}

bool is_line_break_tag(std::string_view tag) { return tag.size() >= 4 && tag_name(tag) == "br"; }

void append_html_text(std::string& out, std::string_view html) {
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    append_text(out, html.substr(at, open - at));
    if (open == html.size()) break;
    if (html.substr(open).starts_with("<!--")) {
      at = after(html, "-->", open + 4);
      continue;
    }
    const std::string_view tag = tag_at(html, open);
    at = open + tag.size();
    if (tag == "<") {
      out.push_back('<');
      continue;
    }
    const std::string name = tag_name(tag);
    if (name == "img") append_alternative(out, tag);
    const bool is_inline = name == "img" || std::find(std::begin(inline_tags), std::end(inline_tags), name) != std::end(inline_tags);
    if (!is_inline) end_html_line(out);
    if ((name == "script" || name == "style") && !tag.starts_with("</")) at = end_of_raw_text(html, name, at);
  }
  end_html_line(out);
}

}  // namespace tidemark::parser
