# Sourced: OpenSearch, whose server and plugins Maven Central has as jars.

opensearch_fetch() {
  classpath_of "$downloads/opensearch-$version.classpath" "$here/opensearch.xml" engine.version="$version" ||
    die "Maven could not fetch OpenSearch $version (its words are above)"
  local plugin
  for plugin in $plugins; do
    classpath_of "$downloads/opensearch-$version-$plugin.classpath" "$here/opensearch-plugin.xml" \
      engine.version="$version" plugin.artifact="$(plugin_artifact "$plugin")" ||
      die "Maven could not fetch the plugin $plugin for OpenSearch $version (its words are above)"
  done
}

plugin_artifact() {
  case $1 in
    icu) printf analysis-icu-client ;;
    kuromoji) printf analysis-kuromoji ;;
  esac
}

plugin_class() {
  case $1 in
    icu) printf org.opensearch.plugin.analysis.icu.AnalysisICUPlugin ;;
    kuromoji) printf org.opensearch.plugin.analysis.kuromoji.AnalysisKuromojiPlugin ;;
  esac
}

# As the plugin's own installation would leave it: a folder with its jars and its description.
opensearch_install_plugin() {
  local plugin=$1 folder=$dir/plugins/analysis-$1 jars
  mkdir -p "$folder"
  IFS=: read -r -a jars <<<"$(<"$downloads/opensearch-$version-$plugin.classpath")"
  ln -s "${jars[@]}" "$folder"
  cat >"$folder/plugin-descriptor.properties" <<TXT
name=analysis-$plugin
description=analysis-$plugin
version=$version
opensearch.version=$version
java.version=$oldest_java
classname=$(plugin_class "$plugin")
TXT
}

opensearch_configure() {
  local plugin
  cp "$here/log4j2.properties" "$dir/config/"
  common_settings >"$dir/config/opensearch.yml"
  rm -rf "$dir/plugins"
  mkdir "$dir/plugins"
  for plugin in $plugins; do opensearch_install_plugin "$plugin"; done
}

opensearch_launch() {
  setsid "$jdk/bin/java" ${TIDEMARK_ENGINE_JAVA:-} "-Xms$heap" "-Xmx$heap" "-D$mark" -cp "$(<"$downloads/opensearch-$version.classpath")" "$here/OpenSearchNode.java" "$dir" \
    >"$dir/log" 2>&1 </dev/null 9>&- &
  printf '%s\n' $! >"$dir/pid"
}
