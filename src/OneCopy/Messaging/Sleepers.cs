using System.Numerics;

namespace OneCopy.Messaging;

/// <summary>What a participant can wait for; each kind has its own doorbell.</summary>
internal enum WaitKind
{
    /// <summary>A message.</summary>
    Receive,

    /// <summary>Room in the ring.</summary>
    Space,

    /// <summary>A block or arena bytes of its own; the end, or the move, of a message of its own or that it holds.</summary>
    Own,
}

/// <summary>A bitmap in the ring: which participants sleep for one kind. Bits are set and cleared by their participant alone.</summary>
internal readonly unsafe struct Sleepers
{
    private readonly ulong* _words;
    private readonly int _wordCount;

    public Sleepers(ulong* words, int highestIndex)
    {
        _words = words;
        _wordCount = (highestIndex / 64) + 1;
    }

    /// <summary>A full fence: what the sleeper looks at afterwards, it looks at after its bit can be seen.</summary>
    public void Add(int participant) => Interlocked.Or(ref _words[participant / 64], 1UL << (participant % 64));

    public void Remove(int participant) => Interlocked.And(ref _words[participant / 64], ~(1UL << (participant % 64)));

    public bool Any
    {
        get
        {
            for (int i = 0; i < _wordCount; i++)
            {
                if (Volatile.Read(ref _words[i]) != 0)
                    return true;
            }

            return false;
        }
    }

    /// <summary>The first sleeper after <paramref name="start"/>, going round; 0 if there is none.</summary>
    public int Next(int start)
    {
        for (int i = 0; i <= _wordCount; i++)
        {
            int index = (int)(((uint)start / 64) + (uint)i) % _wordCount;
            ulong word = Volatile.Read(ref _words[index]);
            if (i == 0 && start / 64 < _wordCount)
                word &= ulong.MaxValue << (start % 64);
            if (word != 0)
                return (index * 64) + BitOperations.TrailingZeroCount(word);
        }

        return 0;
    }
}
