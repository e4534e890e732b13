# bash completion for planewise
_planewise() {
  local commands="compare cost run explain model check graph validate replay"
  local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  case "$previous" in
    --format) COMPREPLY=($(compgen -W "text json csv md" -- "$word")); return ;;
    --engine) COMPREPLY=($(compgen -W "fast simgrid" -- "$word")); return ;;
    --as) COMPREPLY=($(compgen -W "dot graphml htsim ibsim simgrid svg" -- "$word")); return ;;
    --trace-ranks) COMPREPLY=($(compgen -W "all" -- "$word")); return ;;
    --seed|--sequence-length|--matched|--draws|--busiest|--name|--size-spread|--time-tolerance|--threads|--only|--group) return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$word"))
  elif [[ "$word" == -* ]]; then
    local options="--help --format --output"
    case "${COMP_WORDS[1]}" in
      compare) options+=" --workload --prices --scenario --faults --engine --seed --allow-proxy --no-symmetry --size-spread --time-tolerance --threads --stats" ;;
      run) options+=" --workload --topology --prices --scenario --faults --engine --seed --allow-proxy --no-symmetry --size-spread --time-tolerance --threads --stats --loads --busiest --completion --trace --trace-ranks --traffic-out" ;;
      explain) options+=" --workload --topology --faults --engine --seed --allow-proxy --no-symmetry --size-spread --time-tolerance --threads --stats --busiest" ;;
      cost) options+=" --prices --quotes --scenario --matched --detail --draws --seed --bill --cable-plan --port-map --rack-elevation" ;;
      model) options+=" --workload --sequence-length --from --name" ;;
      replay) options+=" --profile --topology --all-cadences --engine --seed --no-symmetry --format --output" ;;
      validate) options+=" --only --group --engine --seed --no-symmetry --threads --stats" ;;
      graph) options="--help --as --output" ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -X '!*.@(yaml|cm|json)' -- "$word") $(compgen -d -- "$word"))
  fi
}
complete -o filenames -F _planewise planewise
