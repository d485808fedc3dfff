using System.CommandLine;

namespace OneCopy.Cli.Copy;

/// <summary><c>onecopy cp SOURCE… DESTINATION</c>, for the help and for command lines in which something is wrong; the others are read by <see cref="CopySettings"/>.</summary>
internal static class CopyCommand
{
    public const string Name = "cp";

    public static Command Create()
    {
        Argument<string[]> paths = new("SOURCE… DESTINATION") { Description = "Files and directories, and where to: a name, or a directory that is there.", Arity = ArgumentArity.ZeroOrMore };
        Command command = new TeachingCommand(Name, "Copy files and trees like 'cp -a', by whatever moves the bytes with the least work.", """
            Directories are copied with all in them, sparse files stay sparse, hard links within a tree stay links, and mode, times, owner and extended attributes are
            kept as far as this user may. 'auto' takes for each piece of a file the best that the two file systems can: clone, parallel (two threads), copy-range
            (copy_file_range) or read-write; 'vectored' and 'mapped' are there to be asked for. What fails is said, with the reason, and the others go on: the exit code is 1 then.
            Ctrl+C leaves no part of a file.

            Examples:
              onecopy cp disk.img backup.img
              onecopy cp ~/Pictures notes.txt /mnt/backup
              onecopy cp big.bin copy.bin --engine mapped --window 64MiB --verify
              onecopy cp config.json /etc/app/config.json --atomic --sync full
              onecopy cp disk.img backup.img --dry-run
            """)
        { paths };
        List<Action<ParseResult, CopySettings>> readers = [(parsed, settings) => settings.Paths.AddRange(parsed.GetValue(paths) ?? [])];
        foreach (CopyOption option in CopyOption.All)
            Add(command, option, readers);
        command.Validators.Add(result =>
        {
            CopySettings settings = new();
            settings.Paths.AddRange(result.GetValue(paths) ?? []);

            // This parser takes an option that it does not know for a path.
            if (settings.Paths.Find(p => p.Length > 1 && p[0] == '-') is { } option)
                result.AddError($"There is no option '{option}'. A file of that name is written ./{option}.");
            else if (settings.Complaint is { } complaint)
                result.AddError(complaint);
        });
        command.SetAction(parsed =>
        {
            CopySettings settings = new();
            foreach (Action<ParseResult, CopySettings> read in readers)
                read(parsed, settings);
            return CopyRun.Run(settings);
        });
        return command;
    }

    private static void Add(Command command, CopyOption option, List<Action<ParseResult, CopySettings>> readers)
    {
        if (option.IsFlag)
        {
            Option<bool> flag = new(option.Name) { Description = option.Description, Hidden = option.Description is null };
            command.Options.Add(flag);
            readers.Add((parsed, settings) =>
            {
                if (parsed.GetValue(flag))
                    option.Apply(settings, "");
            });
            return;
        }

        Option<string?> valued = new(option.Name) { Description = option.Description, HelpName = option.ValueName };
        valued.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && option.Apply(new CopySettings(), text) is { } error)
                result.AddError(error);
        });
        command.Options.Add(valued);
        readers.Add((parsed, settings) =>
        {
            if (parsed.GetValue(valued) is { } text)
                option.Apply(settings, text);
        });
    }
}
