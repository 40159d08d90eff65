#include "parser/markdown.hpp"

#include <md4c.h>

#include <cctype>
#include <exception>
#include <new>
#include <utility>

#include "parser/cjk.hpp"
#include "parser/html.hpp"
#include "parser/outline.hpp"
#include "parser/slug.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr unsigned flags =
    MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_PERMISSIVEWWWAUTOLINKS;

// A line of a table is filled up to the width of its header, so that small inputs can make large outputs.
constexpr std::size_t cells_per_byte = 2;

// md4c keeps some 24 bytes for every character that might be markup until its paragraph ends, and as much for every line of the page: a page of 5 MiB
// can cost 340 MiB. What is over these bounds is no prose, and is taken as plain text.
constexpr std::size_t max_marks = 250'000;
constexpr std::size_t max_lines = 400'000;

bool costs_too_much(std::string_view body) {
  if (body.size() <= max_marks) return false;
  std::size_t marks = 0, lines = 0;
  bool blank = true;
  for (const char c : body) {
    if (c == '\n') {
      if (blank) marks = 0;
      blank = true;
      if (++lines > max_lines) return true;
    } else if (c != ' ' && c != '\t') {
      blank = false;
      if (std::ispunct(static_cast<unsigned char>(c)) != 0 && ++marks > max_marks) return true;
    }
  }
  return false;
}

MarkdownBody as_plain_text(std::string_view body, Problems& problems) {
  problems.add("the page has more markup than any prose: it is taken as plain text");
  Outline outline(problems);
  outline.content() = body;
  return {outline.finish(), {}, {}};
}

class Renderer {
 public:
  Renderer(std::string_view body, Problems& problems) : problems_(problems), outline_(problems), cells_left_(body.size() * cells_per_byte + 1'000) {}

  MarkdownBody finish() {
    result_.sections = outline_.finish();
    const std::string_view paragraph = trimmed(utf8::prefix(trimmed(result_.first_paragraph), max_description_characters));
    result_.first_paragraph = std::string(paragraph);
    return std::move(result_);
  }

  int enter(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_H:
        soft_break_ = false;
        heading_level_ = static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
        heading_.clear();
        slug_.clear();
        break;
      case MD_BLOCK_CODE:
        in_code_ = true;
        break;
      case MD_BLOCK_HTML:
        in_html_ = true;
        html_.clear();
        break;
      case MD_BLOCK_P:
        end_line(outline_.content());
        describes_ = nesting_ == 0 && result_.first_paragraph.empty();
        break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
      case MD_BLOCK_QUOTE:
      case MD_BLOCK_TABLE:
        ++nesting_;
        end_line(outline_.content());
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        if (cells_left_-- == 0) {
          problems_.add("a table has far more cells than its text explains: the page is cut there");
          return 1;
        }
        break;
      default:
        break;
    }
    return 0;
  }

  int leave(MD_BLOCKTYPE type) {
    soft_break_ = false;
    switch (type) {
      case MD_BLOCK_H:
        open_section();
        break;
      case MD_BLOCK_CODE:
        in_code_ = false;
        end_line(outline_.code());
        break;
      case MD_BLOCK_HTML:
        in_html_ = false;
        end_line(outline_.content());
        append_html_text(outline_.content(), html_);
        end_line(outline_.content());
        break;
      case MD_BLOCK_P:
        end_line(outline_.content());
        describes_ = false;
        if (trimmed(result_.first_paragraph).empty()) result_.first_paragraph.clear();
        break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
      case MD_BLOCK_QUOTE:
      case MD_BLOCK_TABLE:
        --nesting_;
        end_line(outline_.content());
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        outline_.content().push_back('\t');
        break;
      case MD_BLOCK_TR:
        while (outline_.content().ends_with('\t')) outline_.content().pop_back();
        end_line(outline_.content());
        break;
      case MD_BLOCK_LI:
        end_line(outline_.content());
        break;
      default:
        break;
    }
    return 0;
  }

  int enter_span(MD_SPANTYPE type) {
    if (type == MD_SPAN_IMG) ++images_;
    return 0;
  }

  int leave_span(MD_SPANTYPE type) {
    if (type == MD_SPAN_IMG) --images_;
    return 0;
  }

  int text(MD_TEXTTYPE type, std::string_view text) {
    if (in_code_) {
      outline_.code().append(text);
    } else if (in_html_) {
      html_.append(text);
    } else {
      switch (type) {
        case MD_TEXT_SOFTBR:
          soft_break_ = true;
          break;
        case MD_TEXT_BR:
          line_break();
          break;
        case MD_TEXT_HTML:
          if (is_line_break_tag(text)) line_break();
          break;
        case MD_TEXT_ENTITY: {
          std::string resolved;
          append_entity(resolved, text);
          prose(resolved);
          break;
        }
        default:
          prose(text);
      }
    }
    return 0;
  }

 private:
  std::string& target() { return heading_level_ > 0 ? heading_ : outline_.content(); }

  // The end of a source line is a space, but not between two characters of a script that is written without any.
  void prose(std::string_view text) {
    if (text.empty()) return;
    if (std::exchange(soft_break_, false) && !joins_across_lines(target(), text)) append(" ");
    append(text);
  }

  void append(std::string_view text) {
    target().append(text);
    if (heading_level_ > 0 && images_ == 0) slug_.append(text);
    if (describes_ && images_ == 0 && result_.first_paragraph.size() < max_description_characters * 4) result_.first_paragraph.append(text);
  }

  void line_break() {
    soft_break_ = false;
    if (heading_level_ > 0) {
      prose(" ");
    } else {
      end_line(outline_.content());
      if (describes_) result_.first_paragraph.push_back(' ');
    }
  }

  void open_section() {
    std::string heading(trimmed(heading_));
    if (heading_level_ == 1 && result_.first_heading.empty()) result_.first_heading = utf8::prefix(heading, max_heading_characters);
    std::string anchor = outline_.full() ? std::string() : slugs_.unique(slug_of(utf8::prefix(trimmed(slug_), max_heading_characters)));
    outline_.open(std::exchange(heading_level_, 0), std::move(anchor), std::move(heading));
  }

  Problems& problems_;
  Outline outline_;
  Slugs slugs_;
  MarkdownBody result_;
  std::string heading_, slug_, html_;
  int heading_level_ = 0, nesting_ = 0, images_ = 0;
  bool in_code_ = false, in_html_ = false, soft_break_ = false, describes_ = false;
  std::size_t cells_left_;
};

// What crosses md4c, which is C and can't be unwound.
struct Crossing {
  Renderer renderer;
  std::exception_ptr thrown;
};

template <typename Step>
int guarded(void* crossing, Step step) {
  auto& self = *static_cast<Crossing*>(crossing);
  try {
    return step(self.renderer);
  } catch (...) {
    self.thrown = std::current_exception();
    return -1;
  }
}

}  // namespace

MarkdownBody read_markdown(std::string_view body, Problems& problems) {
  if (costs_too_much(body)) return as_plain_text(body, problems);
  Crossing crossing{Renderer(body, problems), nullptr};
  MD_PARSER parser{};
  parser.flags = flags;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* to) { return guarded(to, [&](Renderer& r) { return r.enter(type, detail); }); };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* to) { return guarded(to, [&](Renderer& r) { return r.leave(type); }); };
  parser.enter_span = [](MD_SPANTYPE type, void*, void* to) { return guarded(to, [&](Renderer& r) { return r.enter_span(type); }); };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* to) { return guarded(to, [&](Renderer& r) { return r.leave_span(type); }); };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* to) {
    return guarded(to, [&](Renderer& r) { return r.text(type, {text, size}); });
  };
  const int ended = md_parse(body.data(), static_cast<MD_SIZE>(body.size()), &parser, &crossing);
  if (crossing.thrown) std::rethrow_exception(crossing.thrown);
  if (ended < 0) throw std::bad_alloc();  // the one other reason that md4c knows
  return crossing.renderer.finish();
}

}  // namespace tidemark::parser
