// A plugin for Elasticsearch's minimal distribution, which lacks the module analysis-common: of that module what Tidemark's schema is made of (by the
// same Lucene classes and the same names), and what Elasticsearch's own index of users and API keys needs.
package tidemark;

import static java.util.Map.entry;

import java.io.Reader;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.path.PathHierarchyTokenizer;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.PreConfiguredTokenizer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

public class ElasticsearchAnalysis extends Plugin implements AnalysisPlugin {
  private static final int EVERY_SCRIPT = CJKBigramFilter.HAN | CJKBigramFilter.HIRAGANA | CJKBigramFilter.KATAKANA | CJKBigramFilter.HANGUL;

  @Override
  public List<PreConfiguredTokenizer> getPreConfiguredTokenizers() {
    return List.of(
        PreConfiguredTokenizer.singleton("path_hierarchy", PathHierarchyTokenizer::new),
        PreConfiguredTokenizer.singleton("uax_url_email", UAX29URLEmailTokenizer::new));
  }

  @Override
  public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
    return List.of(
        PreConfiguredTokenFilter.singleton("asciifolding", true, ASCIIFoldingFilter::new),
        PreConfiguredTokenFilter.singleton("cjk_width", true, CJKWidthFilter::new),
        PreConfiguredTokenFilter.singleton("cjk_bigram", false, CJKBigramFilter::new),
        // The module drops repeated tokens anywhere, this one only at one place; an e-mail address has either.
        PreConfiguredTokenFilter.singleton("unique", false, RemoveDuplicatesTokenFilter::new));
  }

  @Override
  public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    return Map.ofEntries(
        entry("cjk_bigram", filter(settings -> {
          boolean unigrams = settings.getAsBoolean("output_unigrams", false);
          return tokens -> new CJKBigramFilter(tokens, EVERY_SCRIPT, unigrams);
        })),
        entry("pattern_capture", filter(settings -> {
          Pattern[] patterns = settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
          boolean original = settings.getAsBoolean("preserve_original", true);
          return tokens -> new PatternCaptureGroupTokenFilter(tokens, original, patterns);
        })),
        entry("stemmer", filter(settings -> switch (settings.get("language", "english")) {
          case "english" -> PorterStemFilter::new;
          case "possessive_english" -> EnglishPossessiveFilter::new;
          default -> throw new IllegalArgumentException("this plugin stems English only, not " + settings.get("language"));
        })));
  }

  @Override
  public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
    return Map.of("mapping", AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> {
      NormalizeCharMap map = mapping(settings.getAsList("mappings"));
      return new CharFilterFactory() {
        @Override
        public String name() {
          return name;
        }

        @Override
        public Reader create(Reader text) {
          return new MappingCharFilter(map, text);
        }
      };
    }));
  }

  private interface Configured {
    UnaryOperator<TokenStream> with(Settings settings);
  }

  private static AnalysisProvider<TokenFilterFactory> filter(Configured configured) {
    return AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> {
      UnaryOperator<TokenStream> wrap = configured.with(settings);
      return new TokenFilterFactory() {
        @Override
        public String name() {
          return name;
        }

        @Override
        public TokenStream create(TokenStream tokens) {
          return wrap.apply(tokens);
        }
      };
    });
  }

  // Rules of the form "from => to". Backslash and u with four hexadecimal digits is a UTF-16 unit.
  private static NormalizeCharMap mapping(List<String> rules) {
    NormalizeCharMap.Builder map = new NormalizeCharMap.Builder();
    for (String rule : rules) {
      String[] sides = rule.split("\\s*=>\\s*", 2);
      if (sides.length != 2) throw new IllegalArgumentException("not a mapping: " + rule);
      map.add(unescaped(sides[0].strip()), unescaped(sides[1].strip()));
    }
    return map.build();
  }

  private static String unescaped(String text) {
    return Pattern.compile("\\\\u([0-9a-fA-F]{4})").matcher(text).replaceAll(
        unit -> Matcher.quoteReplacement(Character.toString((char) Integer.parseInt(unit.group(1), 16))));
  }
}
