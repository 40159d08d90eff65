// Dates as people spell them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::parser {

// RFC 3339 in UTC ("2019-09-27T01:00:00Z") from year-month-day with -, / or . between (or 年月日), an optional time and zone after it, from RFC 3339,
// RFC 2822 and "September 27, 2019". Without a zone it is UTC. Fractions of a second are dropped. Nothing for what is no day of the calendar.
std::optional<std::string> read_date(std::string_view text);

}  // namespace tidemark::parser
