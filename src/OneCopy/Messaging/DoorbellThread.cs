using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>Something whose doorbells are watched: a queue handle.</summary>
internal interface IDoorbellOwner
{
    Participant Self { get; }

    /// <summary>Whether asynchronous waiters of this kind, or other work, ask for this doorbell.</summary>
    bool WantsDoorbell(WaitKind kind);

    /// <summary>The doorbell changed. Runs on the doorbell thread: must not block and must not throw.</summary>
    void OnRing(WaitKind kind);

    void OnAttention();

    /// <summary>Its files have lost pages, or the others have forgotten it: its words ring no more.</summary>
    bool IsBroken { get; }

    /// <summary>Now and then, whether or not anything rang: the files are to be looked at.</summary>
    void OnQuiet();

    /// <summary>Once, when <see cref="IsBroken"/> is seen: all who wait are to look up.</summary>
    void OnBroken();
}

/// <summary>
/// One thread in a process sleeps for all its asynchronous waiters, with futex_waitv(2) on up to 128 words; a second one
/// is started only for more handles than that holds. Where the call is missing (before Linux 5.16), each handle has a thread
/// that sleeps on its attention word, which others then ring as well.
/// </summary>
internal sealed unsafe class DoorbellThread
{
    private const int WordsPerOwner = 4;
    private const long QuietPeriod = 2_000_000_000;
    private const int MaxOwners = (Futex.FUTEX_WAITV_MAX - 1) / WordsPerOwner;
    private static readonly MonitorLock s_gate = new();
    private static readonly List<DoorbellThread> s_threads = [];
    private static readonly bool s_hasWaitv = ProbeWaitv();

    private readonly MonitorLock _gate = new();
    private readonly List<Entry> _entries = [];
    private bool _changed;

    // Rung when the set of words changes. Native: the kernel watches its address.
    private readonly uint* _poke = (uint*)NativeMemory.AllocZeroed(sizeof(uint));

    private DoorbellThread() =>
        new Thread(Run) { IsBackground = true, Name = "OneCopy doorbells" }.Start();

    /// <summary>Starts to watch a handle's doorbells.</summary>
    public static DoorbellThread Watch(IDoorbellOwner owner)
    {
        if (!s_hasWaitv)
            Volatile.Write(ref *owner.Self.WaitsOnAttentionAlone, 1);
        lock (s_gate)
        {
            DoorbellThread? thread = s_threads.Find(t => t.HasRoom);
            if (thread is null)
                s_threads.Add(thread = new DoorbellThread());
            thread.Add(owner);
            return thread;
        }
    }

    /// <summary>Has the thread ask its owners again what they want to be woken for.</summary>
    public void Poke()
    {
        Interlocked.Increment(ref *_poke);
        Futex.Wake(_poke, 1);
    }

    /// <summary>Stops watching; when it returns, the thread no longer touches the handle's memory.</summary>
    public void Forget(IDoorbellOwner owner)
    {
        Entry entry;
        lock (_gate)
        {
            entry = _entries.Find(e => e.Owner == owner)!;
            entry.Leaving = true;
            _changed = true;
        }

        do
        {
            Poke();
            if (!s_hasWaitv)
                owner.Self.RingAttention();
        }
        while (!entry.Left.Wait(TimeSpan.FromMilliseconds(100)));
    }

    private bool HasRoom
    {
        get
        {
            lock (_gate)
                return _entries.Count < (s_hasWaitv ? MaxOwners : 1);
        }
    }

    // No words at all is EINVAL where the call is known; any other error (ENOSYS, EPERM of an old seccomp profile) means do without.
    private static bool ProbeWaitv() => Futex.WaitAny(null, 0, long.MaxValue).Errno == Errno.EINVAL;

    private void Add(IDoorbellOwner owner)
    {
        lock (_gate)
        {
            _entries.Add(new Entry(owner));
            _changed = true;
        }

        Poke();
    }

    private void Run()
    {
        futex_waitv* words = stackalloc futex_waitv[Futex.FUTEX_WAITV_MAX];
        Entry[] entries = [];
        long nextLook = Deadline.Now + QuietPeriod;
        while (true)
        {
            uint poked = Volatile.Read(ref *_poke);
            lock (_gate)
            {
                // Nothing is allocated unless somebody came or left: this runs at every ring.
                if (_changed)
                    entries = Changed();
            }

            int count = 0;
            words[count++] = WordOf(_poke, poked);
            foreach (Entry e in entries)
                e.Look(words, ref count);

            // A page that was truncated away can ring nobody: now and then the files are looked at, however busy the other handles are.
            if (!Deadline.IsAhead(nextLook))
            {
                foreach (Entry e in entries)
                    e.Owner.OnQuiet();
                nextLook = Deadline.Now + QuietPeriod;
                continue; // The words are to be looked at after that.
            }

            long until = entries.Length == 0 ? Deadline.Never : nextLook;
            if (s_hasWaitv)
                Futex.WaitAny(words, count, until);
            else if (entries.Length == 0)
                Futex.Wait(_poke, poked, until);
            else
                Futex.Wait(entries[0].Owner.Self.Attention, entries[0].AttentionSeen, until);
        }
    }

    /// <summary>Under the gate: who leaves is told so, and the others are copied.</summary>
    private Entry[] Changed()
    {
        _changed = false;
        foreach (Entry gone in _entries.FindAll(e => e.Leaving))
        {
            _entries.Remove(gone);
            gone.Left.Set();
        }

        return [.. _entries];
    }

    private static futex_waitv WordOf(uint* word, uint seen) =>
        new() { uaddr = (ulong)word, val = seen, flags = Futex.FUTEX2_SIZE_U32 };

    private sealed class Entry(IDoorbellOwner owner)
    {
        private readonly uint[] _seen = new uint[3];
        private bool _toldThatBroken;

        public IDoorbellOwner Owner { get; } = owner;

        public uint AttentionSeen { get; private set; }

        public bool Leaving { get; set; }

        public ManualResetEventSlim Left { get; } = new();

        /// <summary>Reports what changed since the last look, and adds the words to sleep on with the values looked at.</summary>
        public void Look(futex_waitv* words, ref int count)
        {
            if (Owner.IsBroken)
            {
                if (!_toldThatBroken)
                    Owner.OnBroken();
                _toldThatBroken = true;
                return;
            }

            Participant self = Owner.Self;
            uint attention = Volatile.Read(ref *self.Attention);
            if (attention != AttentionSeen)
            {
                AttentionSeen = attention;
                Owner.OnAttention();
            }

            words[count++] = WordOf(self.Attention, attention);
            for (WaitKind kind = WaitKind.Receive; kind <= WaitKind.Own; kind++)
            {
                uint* word = self.Doorbell(kind);
                uint value = Volatile.Read(ref *word);
                if (value != _seen[(int)kind])
                {
                    // The sends under way are looked at here (the other kinds' sleepers look for themselves), so it is counted here: after the value was read.
                    if (kind == WaitKind.Own)
                        Interlocked.Increment(ref *self.Looks(kind));
                    _seen[(int)kind] = value;
                    Owner.OnRing(kind);
                }

                if (Owner.WantsDoorbell(kind))
                    words[count++] = WordOf(word, value);
            }
        }
    }
}
