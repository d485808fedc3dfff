namespace OneCopy.Cli.Queue;

/// <summary>
/// Which messages were shown, by sender and number. A number that is left out for longer than a look was not seen: its block was used
/// again too soon, or its send is late or was cancelled. If it comes later, it is shown then.
/// </summary>
internal sealed class TailAccount
{
    // So many numbers of one sender may be missing before the oldest of them are given up.
    private const int MostMissing = 4096;

    private readonly Dictionary<long, Sender> _senders = [];

    /// <summary>Shown so far.</summary>
    public long Shown { get; private set; }

    /// <summary>Whether a message was neither shown nor begun after.</summary>
    public bool IsNew(long incarnation, long sequence) =>
        sequence > 0 && (!_senders.TryGetValue(incarnation, out Sender? sender) || sequence > sender.Highest || sender.Missing.ContainsKey(sequence));

    /// <summary>What is there at the beginning: later numbers of this sender count from the highest one.</summary>
    public void Begin(long incarnation, long sequence, bool shown)
    {
        Shown += shown ? 1 : 0;
        Sender sender = Of(incarnation);
        sender.Highest = Math.Max(sender.Highest, sequence);
    }

    /// <summary>Counts a message as shown.</summary>
    public void Add(long incarnation, long sequence)
    {
        Shown++;
        Sender sender = Of(incarnation);
        sender.Missing.Remove(sequence);
        long first = Math.Max(sender.Highest + 1, sequence - MostMissing);
        for (long missing = first; missing < sequence; missing++)
            sender.Missing[missing] = false;
        sender.Lost += first - Math.Min(sender.Highest + 1, first);
        sender.Highest = Math.Max(sender.Highest, sequence);
    }

    /// <summary>After each look: by incarnation, how many were missing at the look before already, and are told now, once.</summary>
    public IEnumerable<(long Incarnation, long Missing)> EndOfLook()
    {
        foreach ((long incarnation, Sender sender) in _senders)
        {
            long told = sender.Lost;
            sender.Lost = 0;
            foreach (long sequence in sender.NotTold)
                told += sender.Missing.ContainsKey(sequence) ? 1 : 0;
            foreach (long sequence in sender.NotTold)
            {
                if (sender.Missing.ContainsKey(sequence))
                    sender.Missing[sequence] = true;
            }

            sender.NotTold = [.. sender.Missing.Where(m => !m.Value).Select(m => m.Key)];
            while (sender.Missing.Count > MostMissing)
                sender.Missing.Remove(sender.Missing.Keys.Min());
            if (told > 0)
                yield return (incarnation, told);
        }
    }

    // A sender that comes after the beginning begins with number 1.
    private Sender Of(long incarnation) =>
        _senders.TryGetValue(incarnation, out Sender? sender) ? sender : _senders[incarnation] = new Sender();

    private sealed class Sender
    {
        public long Highest { get; set; }

        /// <summary>Numbers not seen yet, and whether that was told.</summary>
        public Dictionary<long, bool> Missing { get; } = [];

        public List<long> NotTold { get; set; } = [];

        /// <summary>Missing, but too many to remember each.</summary>
        public long Lost { get; set; }
    }
}
