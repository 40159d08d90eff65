#include "ingest/sqlite/ranking.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

namespace tidemark::ingest::sqlite {

namespace {

constexpr std::array<double, 5> column_weights{8.0, 4.0, 2.0, 1.0, 0.5};  // title, headings, summary, prose, code
constexpr double k1 = 1.2;
constexpr double b = 0.75;

// What stays the same for all documents of one query.
struct QueryFacts {
  double average_length = 1;
  std::vector<double> idf;  // by phrase
};

int count_row(const Fts5ExtensionApi*, Fts5Context*, void* count) {
  ++*static_cast<std::int64_t*>(count);
  return SQLITE_OK;
}

int gather(const Fts5ExtensionApi* api, Fts5Context* context, QueryFacts& facts) {
  sqlite3_int64 rows = 0;
  sqlite3_int64 tokens = 0;
  if (const int code = api->xRowCount(context, &rows); code != SQLITE_OK) return code;
  if (const int code = api->xColumnTotalSize(context, -1, &tokens); code != SQLITE_OK) return code;
  const double all = static_cast<double>(std::max<sqlite3_int64>(rows, 1));
  facts.average_length = std::max(1.0, static_cast<double>(tokens) / all);
  const int phrases = api->xPhraseCount(context);
  facts.idf.assign(static_cast<std::size_t>(phrases), 1.0);
  if (phrases < 2) return SQLITE_OK;
  for (int phrase = 0; phrase < phrases; ++phrase) {
    std::int64_t count = 0;
    if (const int code = api->xQueryPhrase(context, phrase, &count, count_row); code != SQLITE_OK) return code;
    const double with = static_cast<double>(count);
    facts.idf[static_cast<std::size_t>(phrase)] = std::log(1.0 + (std::max(0.0, all - with) + 0.5) / (with + 0.5));
  }
  return SQLITE_OK;
}

// The sum of the varints of search_docsize.sz, a document's tokens by column (SQLite's own format: 7 bits a byte, the highest first).
double length_of(sqlite3_value* value) {
  const auto* bytes = static_cast<const unsigned char*>(sqlite3_value_blob(value));
  double sum = 0;
  std::uint64_t number = 0;
  for (int i = 0, size = sqlite3_value_bytes(value); i < size; ++i) {
    number = number << 7 | (bytes[i] & 0x7f);
    if ((bytes[i] & 0x80) != 0) continue;
    sum += static_cast<double>(number);
    number = 0;
  }
  return sum;
}

// The phrase's occurrences in the row, by their columns' weights.
int frequency_of(const Fts5ExtensionApi* api, Fts5Context* context, int phrase, double& frequency) {
  Fts5PhraseIter iterator{};
  int column = 0;
  int offset = 0;
  int code = api->xPhraseFirst(context, phrase, &iterator, &column, &offset);
  for (; code == SQLITE_OK && column >= 0; api->xPhraseNext(context, &iterator, &column, &offset)) {
    frequency += column_weights[std::min<std::size_t>(static_cast<std::size_t>(column), column_weights.size() - 1)];
  }
  return code;
}

int rank_row(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_value* size, double& rank) {
  auto* facts = static_cast<QueryFacts*>(api->xGetAuxdata(context, 0));
  if (facts == nullptr) {
    facts = new QueryFacts;
    const auto destroy = [](void* pointer) { delete static_cast<QueryFacts*>(pointer); };
    if (const int code = gather(api, context, *facts); code != SQLITE_OK) {
      destroy(facts);
      return code;
    }
    if (const int code = api->xSetAuxdata(context, facts, destroy); code != SQLITE_OK) return code;
  }
  const double norm = k1 * (1 - b + b * length_of(size) / facts->average_length);
  for (std::size_t phrase = 0; phrase < facts->idf.size(); ++phrase) {
    double frequency = 0;
    if (const int code = frequency_of(api, context, static_cast<int>(phrase), frequency); code != SQLITE_OK) return code;
    rank -= facts->idf[phrase] * frequency * (k1 + 1) / (frequency + norm);
  }
  return SQLITE_OK;
}

void rank(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_context* result, int count, sqlite3_value** values) {
  if (count != 1) {
    sqlite3_result_error(result, "tidemark_rank(search, sz) takes the document's size", -1);
    return;
  }
  try {
    double value = 0;
    const int code = rank_row(api, context, values[0], value);
    if (code == SQLITE_OK) {
      sqlite3_result_double(result, value);
    } else {
      sqlite3_result_error_code(result, code);
    }
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(result);
  }
}

}  // namespace

void register_ranking(Connection& connection) {
  fts5_api* api = connection.fts5();
  if (api->xCreateFunction(api, "tidemark_rank", nullptr, rank, nullptr) != SQLITE_OK) throw DatabaseError(Failure::other, "SQLite refused a function");
}

}  // namespace tidemark::ingest::sqlite
