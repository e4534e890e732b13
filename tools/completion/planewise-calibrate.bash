# bash completion for planewise-calibrate
_planewise_calibrate() {
  local commands="plan run fit check merge"
  local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  case "$previous" in
    --format) COMPREPLY=($(compgen -W "text json csv md" -- "$word")); return ;;
    --phase) COMPREPLY=($(compgen -W "train prefill decode" -- "$word")); return ;;
    --backend) COMPREPLY=($(compgen -W "cuda host" -- "$word")); return ;;
    --only) COMPREPLY=($(compgen -W "compute layer" -- "$word")); return ;;
    --out) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --ep|--budget|--device|--seed|--name|--max-error) return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$word"))
  elif [[ "$word" == -* ]]; then
    local options="--help"
    local plan="--model --phase --ep --quick --backend --only"
    case "${COMP_WORDS[1]}" in
      plan) options+=" $plan --format --output" ;;
      run) options+=" $plan --out --budget --device --seed --force-new --allow-busy" ;;
      fit) options+=" --output --name --max-error --format" ;;
      check) options+=" --against --max-error --format" ;;
      merge) options+=" --output --format" ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -X '!*.@(yaml|jsonl)' -- "$word") $(compgen -d -- "$word"))
  fi
}
complete -o filenames -F _planewise_calibrate planewise-calibrate
