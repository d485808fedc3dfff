using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace OneCopy.Cli.Mem;

/// <summary>What the mem commands have in common: the process, addresses, and how failures end.</summary>
internal static class MemArguments
{
    public static Argument<int> Pid()
    {
        Argument<int> pid = new("PID") { Description = "The process's number, as ps shows it." };
        pid.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string text }] && (!int.TryParse(text, NumberStyles.None, null, out int value) || value == 0))
                result.AddError($"'{text}' is not the number of a process.");
        });
        return pid;
    }

    public static Option<bool> Json() => new("--json") { Description = "Write JSON, for programs to read." };

    /// <summary>A number: decimal, or hexadecimal with 0x in front.</summary>
    public static bool TryParseNumber(string text, out ulong value) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, null, out value)
        : ulong.TryParse(text, NumberStyles.None, null, out value);

    /// <summary>An address: hexadecimal, with or without 0x, as in the map.</summary>
    public static bool TryParseAddress(string text, out nuint address)
    {
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text;
        bool good = ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, null, out ulong value);
        address = (nuint)value;
        return good;
    }

    public static nuint ParseAddress(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (!TryParseAddress(text, out nuint address))
            result.AddError($"'{text}' is not an address: write it in hexadecimal, as 'onecopy mem maps' shows it, such as 0x7f0c2a1b3000.");
        return address;
    }

    /// <summary>Exit code 0, or 1 with the failure's sentence on standard error.</summary>
    public static int Report(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
