// What is left of HTML in Markdown when only its text counts.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::parser {

// Appends the text of a block of HTML: tags and comments vanish (those of blocks end the line), script and style with what they hold, references are
// resolved, images leave their alternative text.
void append_html_text(std::string& out, std::string_view html);
// Appends what a character reference ("&amp;", "&#12354;", "&#x3042;") stands for; unknown names stay as they are.
void append_entity(std::string& out, std::string_view entity);
bool is_line_break_tag(std::string_view tag);  // "<br>", "<br/>"

}  // namespace tidemark::parser
