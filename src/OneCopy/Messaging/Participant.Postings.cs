using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>The postings: that this participant lets a message be copied into its memory, and how far that is.</summary>
internal sealed unsafe partial class Participant
{
    /// <summary>A bit for each slot that something is posted in.</summary>
    public ref ulong Posted => ref *(ulong*)(_base + ParticipantLayout.PostedOffset);

    public ref ulong PostingTag(int slot) => ref *(ulong*)(Slot(slot) + PostingLayout.TagOffset);

    public ref ulong Cursor(int slot) => ref *(ulong*)(Slot(slot) + PostingLayout.CursorOffset);

    public ref ushort MarkWord(int slot, int piece) => ref ((ushort*)(Slot(slot) + PostingLayout.MarksOffset))[piece];

    public byte* Refusals => _base + ParticipantLayout.RefusalsOffset;

    /// <summary>All but the tag, of a slot whose cursor has the new tag already.</summary>
    public void WritePosting(int slot, in Posting posting)
    {
        byte* p = Slot(slot);
        *(nuint*)(p + PostingLayout.PlaceOffset) = posting.Place;
        *(long*)(p + PostingLayout.OwnerOffset) = posting.Owner;
        *(int*)(p + PostingLayout.BlockOffset) = posting.Block;
        *(uint*)(p + PostingLayout.GenerationOffset) = posting.Generation;
        *(int*)(p + PostingLayout.PiecesOffset) = posting.Pieces;
        *(int*)(p + PostingLayout.IsForBothOffset) = posting.IsForBoth ? 1 : 0;
        *(SharedName*)(p + PostingLayout.BufferOffset) = posting.Buffer;
    }

    /// <summary>The tag by an acquiring read, so that the rest is that posting's, or a later one's whose tag the cursor has.</summary>
    public Posting ReadPosting(int slot)
    {
        byte* p = Slot(slot);
        ulong tag = Volatile.Read(ref PostingTag(slot));
        return new Posting(
            tag,
            *(nuint*)(p + PostingLayout.PlaceOffset),
            *(long*)(p + PostingLayout.OwnerOffset),
            *(int*)(p + PostingLayout.BlockOffset),
            *(uint*)(p + PostingLayout.GenerationOffset),
            *(int*)(p + PostingLayout.PiecesOffset),
            *(int*)(p + PostingLayout.IsForBothOffset) == 1,
            *(SharedName*)(p + PostingLayout.BufferOffset));
    }

    /// <summary>
    /// Takes the next piece of a posting, from the front or from the back. The full fence of the exchange keeps what was read of the posting before it: if that was partly
    /// a later one's, the cursor has another tag by now and nothing is taken.
    /// </summary>
    public bool TryTakePiece(int slot, ulong tag, int pieces, bool fromBack, out int piece)
    {
        while (true)
        {
            ulong seen = Volatile.Read(ref Cursor(slot));
            piece = fromBack ? pieces - 1 - PostingLayout.BackOf(seen) : PostingLayout.FrontOf(seen);
            if (PostingLayout.TagOf(seen) != tag || PostingLayout.TakenOf(seen) >= pieces)
                return false;
            if (Interlocked.CompareExchange(ref Cursor(slot), seen + (fromBack ? PostingLayout.OneFromBack : PostingLayout.OneFromFront), seen) == seen)
                return true;
        }
    }

    /// <summary>A hint, by what its poster says of it: not all pieces are taken.</summary>
    public bool HasOpenPieces(int slot, in Posting posting)
    {
        ulong seen = Volatile.Read(ref Cursor(slot));
        return PostingLayout.TagOf(seen) == posting.Tag && PostingLayout.TakenOf(seen) < posting.Pieces;
    }

    /// <summary>Release: the piece was written before.</summary>
    public void Mark(int slot, int piece, int errno) => Volatile.Write(
        ref MarkWord(slot, piece), (ushort)(errno == 0 ? (uint)PieceMark.Pushed : (uint)PieceMark.GivenBack | ((uint)(byte)errno << 8)));

    /// <summary>Acquire: a piece that is marked as pushed can be read.</summary>
    public PieceMark MarkOf(int slot, int piece, out int errno)
    {
        ushort word = Volatile.Read(ref MarkWord(slot, piece));
        errno = word >> 8;
        return (PieceMark)(byte)word;
    }

    private byte* Slot(int slot) => _base + ParticipantLayout.PostingsOffset + (slot * PostingLayout.SlotSize);
}
