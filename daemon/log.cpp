// Lines are made here; spdlog stamps, serialises and writes them.
#include "daemon/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

#include "daemon/text.hpp"

namespace tidemark {

namespace {

constexpr std::size_t max_value_bytes = 4 * 1024;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// logfmt: quoted where a reader could take the value for something else.
std::string text_value(std::string_view value) {
  std::string line = one_line(value, max_value_bytes);
  if (!line.empty() && line.find_first_of(" \"=\\") == std::string::npos) return line;
  std::string quoted = "\"";
  for (const char c : line) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string text_value(const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) return text_value(redact_credentials(*text));
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<double>(&field.value)) return fmt::format("{:.6g}", *number);
  return std::get<bool>(field.value) ? "true" : "false";
}

// A JSON string, quotes included. All ASCII as soon as anything in it could end or rewrite a line.
std::string json_string(std::string_view text) {
  const bool ascii_only = one_line(text) != text;
  std::string value(text.substr(0, max_value_bytes));
  if (text.size() > max_value_bytes) value += fmt::format("... ({} more bytes)", text.size() - max_value_bytes);
  return nlohmann::json(value).dump(-1, ' ', ascii_only, nlohmann::json::error_handler_t::replace);
}

std::string json_value(const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) return json_string(redact_credentials(*text));
  if (const auto* number = std::get_if<double>(&field.value)) return nlohmann::json(*number).dump();
  return text_value(field);
}

}  // namespace

struct Log::Implementation {
  LogFormat format;
  spdlog::logger logger;
};

Log::Log(LogFormat format, LogLevel level)
    : implementation_(new Implementation{format, spdlog::logger("tidemark", std::make_shared<spdlog::sinks::stderr_sink_mt>())}) {
  const char* pattern = format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  implementation_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
  implementation_->logger.set_level(to_spdlog(level));
}

Log::~Log() = default;

void Log::debug(std::string_view event, std::initializer_list<LogField> fields) { write(LogLevel::debug, event, fields); }
void Log::info(std::string_view event, std::initializer_list<LogField> fields) { write(LogLevel::info, event, fields); }
void Log::warning(std::string_view event, std::initializer_list<LogField> fields) { write(LogLevel::warning, event, fields); }
void Log::error(std::string_view event, std::initializer_list<LogField> fields) { write(LogLevel::error, event, fields); }

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  auto& [format, logger] = *implementation_;
  if (!logger.should_log(to_spdlog(level))) return;
  std::string line;
  if (format == LogFormat::json) {
    line = R"("event":)" + json_string(event);
    for (const auto& field : fields) line += "," + json_string(field.key) + ":" + json_value(field);
  } else {
    line = one_line(event, max_value_bytes);
    for (const auto& field : fields) line += " " + one_line(field.key, max_value_bytes) + "=" + text_value(field);
  }
  logger.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

std::string redact_credentials(std::string_view text) {
  constexpr std::string_view ends_url = " \t\r\n";  // no quotation marks: a password may have them
  std::string out;
  while (true) {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) break;
    out += text.substr(0, scheme_end + 3);
    text.remove_prefix(scheme_end + 3);
    const auto url = text.substr(0, text.find_first_of(ends_url));
    const auto authority = url.substr(0, url.find_first_of("/?#"));
    auto at = authority.rfind('@');
    // A password with an unescaped slash: what looks like a port is not a number, and an @ follows.
    const auto colon = authority.rfind(':');
    const bool no_port = at == std::string_view::npos && !authority.starts_with('[') && colon != std::string_view::npos &&
                         authority.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
    if (no_port) at = url.rfind('@');
    if (at == std::string_view::npos) continue;
    out += "REDACTED";
    text.remove_prefix(at);
  }
  return out += text;
}

}  // namespace tidemark
