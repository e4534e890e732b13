# bash completion for planewise-calibrate
_planewise_calibrate() {
  local commands="plan run comm fit check merge import"
  local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  case "$previous" in
    --format) COMPREPLY=($(compgen -W "text json csv md" -- "$word")); return ;;
    --phase) COMPREPLY=($(compgen -W "train prefill decode" -- "$word")); return ;;
    --backend) COMPREPLY=($(compgen -W "cuda host" -- "$word")); return ;;
    --only) COMPREPLY=($(compgen -W "compute layer comm" -- "$word")); return ;;
    --operation) COMPREPLY=($(compgen -W "all_to_all all_reduce reduce_scatter all_gather broadcast send dispatch combine" -- "$word")); return ;;
    --group) COMPREPLY=($(compgen -W "node rail expert pipeline world" -- "$word")); return ;;
    --cadence) COMPREPLY=($(compgen -W "isolated streaming" -- "$word")); return ;;
    import) COMPREPLY=($(compgen -W "nccl-tests deepep" -- "$word")); return ;;
    --out) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --ep|--budget|--device|--seed|--name|--max-error|--spawn|--node-size|--timeout|--start-timeout|--tokens|--ranks|--ranks-per-node) return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$word"))
  elif [[ "$word" == -* ]]; then
    local options="--help"
    local ranks="--spawn --node-size --timeout --start-timeout"
    local plan="--model --phase --ep --quick --backend --only"
    case "${COMP_WORDS[1]}" in
      plan) options+=" $plan --ranks --ranks-per-node --format --output" ;;
      comm) options+=" $ranks -b -e -i -f -n -w -c -d -J --unaligned --operation --group --cadence --ep --backend --out --model --tokens --seed" ;;
      import) options+=" --output --operation --ranks --ranks-per-node --tokens --hidden --experts --experts-per-token --format" ;;
      run) options+=" $plan $ranks --placement --out --budget --device --seed --force-new --allow-busy" ;;
      fit) options+=" --output --topology --name --max-error --format" ;;
      check) options+=" --against --max-error --format" ;;
      merge) options+=" --output --format" ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -X '!*.@(yaml|jsonl|log|json)' -- "$word") $(compgen -d -- "$word"))
  fi
}
complete -o filenames -F _planewise_calibrate planewise-calibrate
