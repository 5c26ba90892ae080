"""The words the owner uses: money, ids, states, events, errors, records, time, settings. It imports no other room."""
